import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "ava";
import { isTealError } from "../../../apps/errors.ts";
import { createFetcher } from "../../../apps/fetcher.ts";
import { createOutward } from "../../../apps/outward.ts";
import type { Credentials } from "../../../apps/senders.ts";
import type { Deploy } from "../../../apps/types.ts";
import { startCiRepo, type CiRepo } from "../../support/ci-repo.ts";
import { listen } from "../../support/router-rig.ts";
import { createSshUser } from "../../support/ssh-client.ts";
import { startPushWorld, type PushWorld, type WorkTree } from "../../support/push-world.ts";

let world: PushWorld;
let repo: CiRepo;
let work: WorkTree;
const NEVER = new AbortController().signal;

test.before(async () => {
  world = await startPushWorld();
  repo = await startCiRepo({ password: "bot:s3cret" });
  work = await world.repository();
  await work.git(["push", "--quiet", repo.dir, "main"]);
});
test.after.always(async () => {
  repo?.stop();
  await world?.stop();
});

function fetcherWith({ maxBytes = 1 << 26, token = "bot:s3cret", deployKey = "" } = {}) {
  const allowPrivate = true;
  const credentials: Credentials = { token, deployKey };
  return createFetcher({
    git: world.git,
    senders: { credentials: async () => credentials },
    outward: createOutward({ allowPrivate }),
    allowPrivate,
    workDir: join(world.dir, "work"),
    knownHosts: join(world.dir, "known-hosts"),
    maxBytes,
  });
}

let apps = 0;
function deployOf(wish: Partial<Deploy>): Deploy {
  const app = `app-${++apps}`;
  return { app, id: `${app}-1`, sender: "s", repo: repo.url, ...wish } as Deploy;
}

test.serial("exactly the commit that was named comes, with its history, and is kept", async (t) => {
  const first = await work.head();
  const second = await work.commit({ a: "2" });
  await work.commit({ a: "3" });
  await work.git(["push", "--quiet", repo.dir, "main"]);
  const deploy = deployOf({ commit: second, ref: "refs/heads/main" });
  t.is(await fetcherWith().fetch(deploy, NEVER), second);
  t.is(await world.git.completeness(deploy.app, second), "whole");
  t.not(await world.git.inspect(deploy.app, first), null);
  t.is(await world.git.inspect(deploy.app, await work.head()), null);
  t.is(await world.git.readRef(deploy.app, `refs/teal/pushes/${second}`), second);
  const before = repo.requests.length;
  t.is(await fetcherWith().fetch(deploy, NEVER), second);
  t.is(repo.requests.length, before, "what is there is not fetched again");
});

test.serial("a branch or an annotated tag stands for its commit", async (t) => {
  await work.git(["tag", "--annotate", "--message", "x", "v1"]);
  await work.git(["push", "--quiet", repo.dir, "main", "v1"]);
  const fetcher = fetcherWith();
  t.is(await fetcher.fetch(deployOf({ ref: "refs/heads/main" }), NEVER), await work.head());
  t.is(await fetcher.fetch(deployOf({ ref: "refs/tags/v1" }), NEVER), await work.head());
});

test.serial(
  "a wrong token, a commit that is not there and a silent host are each named",
  async (t) => {
    const missing = deployOf({ commit: "d".repeat(40) });
    const cases: [Promise<string>, RegExp][] = [
      [
        fetcherWith({ token: "bot:wrong" }).fetch(deployOf({ ref: "refs/heads/main" }), NEVER),
        /fetch/,
      ],
      [fetcherWith().fetch(missing, NEVER), /dddd could not be fetched/],
      [fetcherWith().fetch(deployOf({ ref: "refs/heads/none" }), NEVER), /refs\/heads\/none/],
      [
        fetcherWith().fetch(
          deployOf({ ref: "refs/heads/main", repo: "http://127.0.0.1:1/x" }),
          NEVER,
        ),
        /ECONNREFUSED/,
      ],
    ];
    for (const [fetching, says] of cases) {
      const error = await t.throwsAsync(fetching);
      t.true(isTealError(error, "fetch-failed"), String(error));
      t.regex(error.message, says);
      t.notRegex(error.message, /s3cret|x-token/);
    }
  },
);

test.serial("an answer beyond the limit is cut off, and a cancelled fetch ends", async (t) => {
  await work.commit({ big: randomBytes(100_000).toString("base64") });
  await work.git(["push", "--quiet", repo.dir, "main"]);
  const small = fetcherWith({ maxBytes: 2000 }).fetch(deployOf({ ref: "refs/heads/main" }), NEVER);
  t.regex((await t.throwsAsync(small)).message, /more than 2000 bytes came/);
  const stop = new AbortController();
  stop.abort(new Error("cancelled"));
  const cancelled = fetcherWith().fetch(deployOf({ ref: "refs/heads/main" }), stop.signal);
  t.is((await t.throwsAsync(cancelled)).message, "cancelled");
});

test.serial("without a repository, only what the app's own has can be deployed", async (t) => {
  const { repo: _none, ...deploy } = deployOf({ commit: await work.head() });
  const error = await t.throwsAsync(fetcherWith().fetch(deploy, NEVER));
  t.true(isTealError(error, "commit-missing"));
});

test.serial(
  "over ssh a deploy key is used, and a host that shows another key is refused",
  async (t) => {
    const source = await world.repository();
    const admin = await createSshUser(world, "admin", "admin");
    await source.git(["push", admin.remote("source"), "main"], admin.env);
    const ci = await createSshUser(world, "ci", "read", ["source"]);
    const deployKey = readFileSync(ci.keyFile, "utf8");
    const deploy = deployOf({ ref: "refs/heads/main", repo: ci.remote("source") });
    t.is(await fetcherWith({ deployKey }).fetch(deploy, NEVER), await source.head());
    const known = join(world.dir, "known-hosts");
    const [name = "", type = ""] = readFileSync(known, "utf8").split(" ");
    t.is(name, `[127.0.0.1]:${world.sshPort}`);

    const stranger = readFileSync((await createSshUser(world, "x", "read", ["x"])).keyFile, "utf8");
    const again = deployOf({ ref: "refs/heads/main", repo: ci.remote("source") });
    t.true(
      isTealError(await t.throwsAsync(fetcherWith({ deployKey: stranger }).fetch(again, NEVER))),
    );
    const { publicKey } = (await world.access.listKeys())[0]!;
    t.is(publicKey.split(" ")[0], type);
    writeFileSync(known, `${name} ${publicKey}\n`);
    const refused = await t.throwsAsync(fetcherWith({ deployKey }).fetch(again, NEVER));
    t.regex(refused.message, /could not be fetched from ssh:/);
  },
);

test.serial("neither a token nor a key is left on the disk", (t) => {
  const left = readdirSync(world.dir, { recursive: true }).map(String);
  t.deepEqual(
    left.filter((name) => /work\/ssh-/.test(name)),
    [],
  );
});

test.serial("an answer that cannot be passed on is that fetch's failure alone", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok"));
  });
  const url = `http://127.0.0.1:${await listen(server)}/shop.git`;
  t.teardown(() => server.close());
  const wish = deployOf({ commit: "a".repeat(40), repo: url });
  await t.throwsAsync(fetcherWith().fetch(wish, NEVER), { code: "fetch-failed" });
});
