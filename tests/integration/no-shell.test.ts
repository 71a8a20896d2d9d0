import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { ask } from "../support/asking.ts";
import { startBuilder } from "../support/builder.ts";
import { createTeal } from "../support/teal-cli.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";

const APP = "bare";

/** An image that is one program, compiled with Debian's compiler. */
const test = testApp({
  ...{ app: APP, fixture: "no-shell", files: null },
  env: { TEAL_DRAIN: "1", TEAL_DEPLOY_TIMEOUT: "10" },
});

const tell = ({ context: { platform } }: ExecutionContext<AppWorld>) =>
  ask(platform.routerPort, `${APP}.localhost`);

test.serial("an image without a shell runs by its own command, and is checked", async (t) => {
  t.timeout(240_000);
  const { platform, repo } = t.context;
  const builder = await startBuilder();
  const wish = { name: "python-build", range: "*", from: "test" } as const;
  const { image } = await builder.bases.ensureBase(wish, () => {}, AbortSignal.timeout(200_000));
  await builder.close();
  const own = readFileSync(join(repo.dir, "Dockerfile"), "utf8");
  const soon = { attempts: 1, wait: 2, timeout: 2 };
  const web = [
    { path: "/", content: "no shell" },
    { command: ["/server", "up"], ...soon },
    { command: "/server up", warn: true, ...soon },
  ];
  const pushed = await repo.push({
    Dockerfile: own.replace("ARG COMPILER", `ARG COMPILER=${image}`),
    "app.json": JSON.stringify({ healthchecks: { web } }),
  });
  t.is(pushed.status, 0, pushed.text);
  t.regex(pushed.text, /which only warns: status 12[67] of its command: .*"\/bin\/sh"/);
  t.is(await tell(t), "no shell");
  const { teal } = createTeal(platform);
  const words = await teal(["run", "-a", APP, "--", "/server", "a b", "3"]);
  t.like(words, { code: 3, out: "a b\n" });
  const inside = await teal(["enter", "-a", APP, "web.1", "/server", "from inside", "4"]);
  t.like(inside, { code: 4, out: "from inside\n" });
  const line = await teal(["run", "-a", APP, "/server x"]);
  t.is(line.code, 127);
  t.regex(line.err, /exec \/bin\/sh failed: No such file/);
  const entered = await teal(["enter", "-a", APP, "web.1"]);
  t.is(entered.code, 126);
  t.regex(entered.out + entered.err, /"\/bin\/sh": stat \/bin\/sh: no such file/);
});

test.serial("a line for a shell is refused with a word on why; what is live goes on", async (t) => {
  t.timeout(90_000);
  const { repo } = t.context;
  const web = await repo.push({ "app.json": "{}", Procfile: "web: /server\n" });
  t.is(web.status, 1);
  t.regex(web.text, /The command of web\.1 is a line for a shell, and the image has none/);
  t.regex(web.text, /CMD \["\/server"\]/);
  const release = await repo.push({ Procfile: "release: /server migrated\n" });
  t.is(release.status, 1);
  t.regex(release.text, /The release command is a line for a shell, and the image has none/);
  t.is(await tell(t), "no shell");
});
