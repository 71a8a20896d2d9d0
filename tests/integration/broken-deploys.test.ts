import { cpSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { keys } from "../../apps/keys.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { containersOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/apps");
const APP = "gate";

interface Context extends AppWorld {
  redis: Redis;
  /** What git showed of each push. */
  said: Map<string, string>;
}
const test = testApp<Context>({
  ...{ app: APP, fixture: "hello-plain", env: { TEAL_DEPLOY_TIMEOUT: "3" } },
});

test.serial.before("the store is looked at", async (t) => {
  t.context.said = new Map();
  t.context.redis = new Redis(join(t.context.platform.home, "redis.sock"));
  // It goes before the connection does.
  t.context.redis.on("error", () => undefined);
});

test.serial.after.always("no more", async (t) => {
  t.context.redis?.disconnect();
});

/** Each breaks one gate on purpose, and what the push must say about it. */
const BROKEN: [fixture: string, says: RegExp][] = [
  ["never-healthy", /web\.1 did not become healthy within 3 s: status 500/],
  ["no-listener", /nothing listens on port 5000 \(\$PORT\), nor on any other/],
  ["wrong-port", /nothing listens on port 5000 \(\$PORT\): it listens on 3000/],
  ["localhost-only", /it listens on 127\.0\.0\.1:5000 only/],
  ["crashes-at-start", /its process ended with status 1/],
  ["eats-memory", /it was killed because it ran out of memory/],
  ["failing-build", /The build failed/],
  ["failing-release", /The release command ended with status 1/],
  ["no-start-command", /A way to start the app was expected/],
  ["broken-package-json", /package\.json/],
];

for (const [fixture, says] of BROKEN) {
  test.serial(
    `${fixture}: the push fails with its reason, and the live colour has not noticed`,
    async (t) => {
      t.timeout(60_000);
      const { platform, repo, redis } = t.context;
      const route = await redis.hget(keys.routes, APP);
      for (const name of readdirSync(repo.dir)) {
        if (name !== ".git") rmSync(join(repo.dir, name), { recursive: true });
      }
      cpSync(join(FIXTURES, fixture), repo.dir, { recursive: true });
      const traffic = startSteadyLoad(platform.routerPort, `${APP}.localhost`, 2, 20);
      const pushed = await repo.push();
      const { answered, lost, bodies } = await traffic.stop();
      t.context.said.set(fixture, pushed.text);
      t.is(pushed.status, 1, pushed.text);
      t.deepEqual(lost, []);
      t.is(bodies.size, 1, "none of them from another version");
      t.true(answered > 0);
      t.regex(pushed.text, says);
      t.regex(pushed.text, /remote rejected.*pre-receive hook declined/);

      // Invariant 9: byte for byte.
      t.is(await redis.hget(keys.routes, APP), route);
      const [newest] = (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys;
      t.is(newest.state, "failed");
      // What it started is gone again.
      await until(30_000, async () => (await containersOf(platform.namespace)).length === 1);
    },
  );
}

test.serial("the app's last fifty lines are in the push when it crashes or a check fails", (t) => {
  const { said } = t.context;
  const lines = (fixture: string) => (said.get(fixture) ?? "").split("\n").map((it) => it.trim());
  const crashed = lines("crashes-at-start").filter((line) => /^starting, |^DATABASE/.test(line));
  const steps = Array.from({ length: 49 }, (_, n) => `starting, step ${n + 12} of 60`);
  t.deepEqual(crashed, [...steps, "DATABASE_URL is not set; cannot start"]);
  const tried = lines("never-healthy").filter((line) => line.startsWith("cannot answer"));
  t.deepEqual(
    tried,
    Array.from({ length: 50 }, () => "cannot answer /: the database is on fire"),
  );
});

test.serial("a good push after all of them goes live", async (t) => {
  const { repo } = t.context;
  for (const name of readdirSync(repo.dir)) {
    if (name !== ".git") rmSync(join(repo.dir, name), { recursive: true });
  }
  cpSync(join(FIXTURES, "hello-plain"), repo.dir, { recursive: true });
  const pushed = await repo.push({ "version.txt": "after" });
  t.is(pushed.status, 0, pushed.text);
});
