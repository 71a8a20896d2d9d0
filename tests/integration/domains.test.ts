import type { ExecutionContext } from "ava";
import { ask } from "../support/asking.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { createTeal } from "../support/teal-cli.ts";

interface Context extends AppWorld {
  other: Repo;
}
const test = testApp<Context>({
  ...{ app: "one", fixture: "hello-plain", files: { "version.txt": "one" }, routers: 2 },
  env: { TEAL_DOMAIN: "apps.test", TEAL_PUBLIC_URL: "https://teal.shop.test" },
});

test.serial.before("another app", async (t) => {
  t.timeout(60_000);
  t.context.other = createRepo("hello-plain", t.context.platform, "two");
  await t.context.other.init();
  await t.context.other.goLive({ "version.txt": "two" });
});
test.serial.after.always("is gone", (t) => t.context.other?.remove());

type T = ExecutionContext<Context>;

const teal = ({ context: { platform } }: T, ...words: string[]) => createTeal(platform).teal(words);

async function add(t: T, app: string, host: string): Promise<void> {
  const { code, out, err } = await teal(t, "domains:add", host, "-a", app);
  t.is(code, 0, out + err);
}

/** Each host is asked for on connections of their own, so that both routers answer. */
async function answers(t: T, expected: Record<string, string>): Promise<void> {
  const { routerPort } = t.context.platform;
  for (const [host, wanted] of Object.entries(expected)) {
    const got = await Promise.all(Array.from({ length: 8 }, () => ask(routerPort, host)));
    t.deepEqual(new Set(got.map((it) => it.trim())), new Set([wanted]), host);
  }
}

const NOBODY = "status 404";

test.serial("each app answers under TEAL_DOMAIN, and nobody at that name or another", async (t) => {
  await answers(t, {
    ...{ "one.apps.test": "one", "two.apps.test": "two", "One.Apps.Test.:8080": "one" },
    ...{ "apps.test": NOBODY, "three.apps.test": NOBODY, "a.one.apps.test": NOBODY },
    ...{ "one.localhost": NOBODY, "one.apps.test.evil": NOBODY, "teal.shop.test": NOBODY },
  });
  const shown = await teal(t, "domains", "-a", "one");
  t.regex(shown.out, /one\.apps\.test +the platform/);
});

test.serial("an apex is one name; a wildcard is what is under it and nobody else's", async (t) => {
  t.timeout(60_000);
  await add(t, "one", "books.test");
  await answers(t, { "books.test": "one", "www.books.test": NOBODY });
  await add(t, "two", "blog.books.test");
  await add(t, "one", "*.books.test");
  await answers(t, {
    ...{ "books.test": "one", "www.books.test": "one", "BLOG.books.test": "two" },
    ...{ "a.b.books.test": NOBODY, "xbooks.test": NOBODY },
  });
  await add(t, "one", "Bücher.test");
  await answers(t, { "xn--bcher-kva.test": "one" });
});

test.serial(
  "what is another app's, or the platform's, is refused and routed as before",
  async (t) => {
    t.timeout(60_000);
    const taken = ["books.test", "BOOKS.test.", "new.books.test", "*.books.test", "bücher.test:80"];
    for (const host of taken) {
      const { code, err } = await teal(t, "domains:add", host, "-a", "two");
      t.is(code, 5, host);
      t.regex(err, /belongs to|another app/, host);
    }
    const own = [
      "apps.test",
      "two.apps.test",
      "idle--one.apps.test",
      "new.apps.test",
      "*.apps.test",
    ];
    for (const host of [...own, "teal.shop.test", "*.shop.test"]) {
      const { code, err } = await teal(t, "domains:add", host, "-a", "one");
      t.is(code, 2, host);
      t.regex(err, /platform/, host);
    }
    await answers(t, { "books.test": "one", "blog.books.test": "two", "two.apps.test": "two" });
  },
);

test.serial("what is given up is another's to have", async (t) => {
  t.timeout(60_000);
  t.is((await teal(t, "domains:remove", "books.test", "-a", "two")).code, 4, "it is not its own");
  t.is((await teal(t, "domains:remove", "blog.books.test", "-a", "two")).code, 0);
  await answers(t, { "blog.books.test": "one" });
  t.is((await teal(t, "domains:remove", "*.books.test", "-a", "one")).code, 0);
  t.is((await teal(t, "domains:remove", "Books.Test", "-a", "one")).code, 0);
  await answers(t, { "blog.books.test": NOBODY, "books.test": NOBODY });
  await add(t, "two", "books.test");
  await answers(t, { "books.test": "two" });
});
