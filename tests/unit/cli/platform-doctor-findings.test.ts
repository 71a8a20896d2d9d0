import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { doctor } from "../../../apps/cli/platform/doctor.ts";
import {
  judgeClock,
  judgeMemory,
  judgeMigration,
  judgeNode,
  judgeProcesses,
} from "../../../apps/cli/platform/doctor-judge.ts";
import { readPlatform } from "../../../apps/cli/platform/environment.ts";
import { freePorts } from "../../support/platform.ts";
import { startRedis } from "../../support/redis.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const GIB = 1024 ** 3;
const dir = mkdtempSync(join(tmpdir(), "teal-find-"));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

/** A platform of its own on ports that are free, of which nothing runs. */
async function platformIn(home: string, more: Record<string, string> = {}) {
  const names = ["TEAL_API_PORT", "TEAL_SSH_PORT", "TEAL_ROUTER_PORT", "TEAL_ROUTER_TLS_PORT"];
  const ports = await freePorts(names.length);
  const own = Object.fromEntries(names.map((name, i) => [name, String(ports[i])]));
  return readPlatform(ROOT, { TEAL_HOME: join(dir, home), ...own, ...more });
}

/** What the doctor says about one thing, each as `level: text`. */
async function said(what: string, platform: Awaited<ReturnType<typeof platformIn>>) {
  const findings = await doctor(platform);
  return findings.filter((one) => one.what === what).map(({ level, says }) => `${level}: ${says}`);
}

function homeOf(name: string): string {
  const home = join(dir, name);
  mkdirSync(home, { mode: 0o700 });
  return home;
}

test("a platform that is down is said to be; one that never ran is not", async (t) => {
  mkdirSync(join(homeOf("down"), "service", "web-1"), { recursive: true });
  t.deepEqual(await said("processes", await platformIn("down")), [
    "bad: the platform does not run: nothing can be deployed. 'teal up' starts it.",
  ]);
  t.deepEqual(await said("processes", await platformIn("never")), [
    "good: none has been started yet; 'teal up' does it.",
  ]);
});

test("a process that is down, or has crashed, is named with its log", (t) => {
  const up = { state: "up", pid: 7, seconds: 90, crashes: 0 } as const;
  const down = { state: "down", pid: null, seconds: 3, crashes: 2 } as const;
  const found = judgeProcesses(
    [
      { name: "web-1", ...up },
      { name: "worker-1", ...down },
      { name: "router-1", ...up, crashes: 4 },
    ],
    "/logs",
  );
  t.deepEqual(
    found.map(({ level, says }) => `${level}: ${says}`),
    [
      "bad: worker-1 does not run. Why is in /logs/worker-1/current; 'teal up' starts it.",
      "warn: router-1 has crashed 4 times. See /logs/router-1/current",
    ],
  );
  t.like(judgeProcesses([{ name: "web-1", ...up }], "/logs")[0], { level: "good" });
});

test("an engine that does not answer is said to, with what starts it", async (t) => {
  const platform = await platformIn("no-engine", { DOCKER_HOST: `unix://${dir}/nobody.sock` });
  t.deepEqual(await said("Docker engine", platform), [
    "bad: does not answer. 'teal up' starts it.",
  ]);
});

test("a Redis that does not answer is said to: its own, and one that was given", async (t) => {
  t.deepEqual(await said("Redis", await platformIn("no-redis")), [
    "warn: does not answer. 'teal up' starts it.",
  ]);
  const given = await platformIn("no-redis", { TEAL_REDIS_URL: `unix://${dir}/nobody.sock` });
  t.deepEqual(await said("Redis", given), ["bad: TEAL_REDIS_URL does not answer."]);
});

test("each setting by which Redis forgets is found, and none when it keeps everything", async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const client = redis.connect();
  const platform = await platformIn("forgets", { TEAL_REDIS_URL: redis.url });
  await client.config("SET", "maxmemory-policy", "allkeys-lru");
  const both = await said("Redis", platform);
  t.is(both.length, 2);
  t.regex(both[0]!, /^bad: maxmemory-policy is allkeys-lru: .*config set maxmemory-policy noevict/);
  t.regex(both[1]!, /^bad: appendonly is off: .*config set appendonly yes$/);
  await client.config("SET", "maxmemory-policy", "noeviction");
  await client.config("SET", "appendonly", "yes");
  await client.config("SET", "appendfsync", "everysec");
  const [fsync = ""] = await said("Redis", platform);
  t.regex(fsync, /^warn: appendfsync is everysec: .*config set appendfsync always$/);
  await client.config("SET", "appendfsync", "always");
  t.regex((await said("Redis", platform))[0]!, /^good: keeps everything/);
});

test("a disk that is low, and one that is full, are found where the platform keeps its state", async (t) => {
  const home = homeOf("disk");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=512m,mode=700", "teal-test", home]);
  t.teardown(() => execFileSync("umount", [home]));
  const platform = await platformIn("disk");
  const ofHome = async () => (await said("disk", platform)).find((one) => one.includes(home)) ?? "";
  t.regex(await ofHome(), /^bad: 0\.5 GiB free for .* Images need more: free some/);
  execFileSync("mount", ["-o", "remount,size=3g", home]);
  t.regex(await ofHome(), /^warn: 3\.0 GiB free for /);
  execFileSync("mount", ["-o", "remount,size=8g", home]);
  t.regex(await ofHome(), /^good: 8\.0 GiB free for \S+$/);
});

test("a port that is taken is named with who has it and the setting that avoids it", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const [taken = ""] = await said("ports", await platformIn("p", { TEAL_SSH_PORT: String(port) }));
  t.regex(taken, new RegExp(`^bad: ${port} .*process ${process.pid}.* set TEAL_SSH_PORT`));
  t.deepEqual(await said("ports", await platformIn("p")), ["good: all are free."]);
});

test("a home that is open, or somebody else's, is found; one that is not there yet is no fault", async (t) => {
  const home = homeOf("home");
  const platform = await platformIn("home");
  t.deepEqual(await said("TEAL_HOME", platform), [`good: ${home} is yours alone.`]);
  chmodSync(home, 0o750);
  t.regex((await said("TEAL_HOME", platform))[0]!, /^bad: .* open to others.* chmod 700 /);
  chownSync(home, 12_345, 12_345);
  t.regex((await said("TEAL_HOME", platform))[0]!, /^bad: .* belongs to user 12345\. Run teal as/);
  t.regex((await said("TEAL_HOME", await platformIn("nowhere")))[0]!, /^good: .* not there yet/);
});

test("programs that are missing are named with the command that installs them", async (t) => {
  const platform = await platformIn("bare", { DOCKER_HOST: `unix://${dir}/nobody.sock` });
  const bare = { ...platform, env: { ...platform.env, PATH: "/nowhere" } };
  t.regex((await said("packages", bare))[0]!, /^bad: missing\. Run: .*install.* docker\.io/);
  t.regex((await said("git", bare))[0]!, /^bad: was not found\. Run: .*install.* git$/);
});

test("an old node, little memory, a clock that is off, connections that are lost at a restart", (t) => {
  t.like(judgeNode("22.9.0"), {
    level: "bad",
    says: "version 22.9.0, and 24 or newer is needed. Run: npm ci",
  });
  t.like(judgeNode("24.1.0"), { level: "good" });
  t.like(judgeMemory(0.3 * GIB, 4 * GIB), {
    level: "warn",
    says: "0.3 GiB of 4.0 GiB free. A build may be ended for lack of it.",
  });
  t.like(judgeMemory(2 * GIB, 4 * GIB), { level: "good", says: "2.0 GiB of 4.0 GiB free." });
  t.regex(judgeClock(new Date("1970-01-01")).says, /cannot be right.* Set the clock\.$/);
  t.like(judgeClock(new Date()), { level: "good" });
  t.like(judgeMigration("1\n"), { level: "good" });
  t.regex(judgeMigration("0\n").says, /sysctl -w net\.ipv4\.tcp_migrate_req=1$/);
  t.regex(judgeMigration(null).says, /this kernel has no such setting/);
});

test("the launcher's own command prints them, and ends with 1 when one is bad", async (t) => {
  const { given } = await platformIn("command");
  const env = { ...given, DOCKER_HOST: `unix://${dir}/nobody.sock`, PATH: process.env["PATH"] };
  const ask = (...args: string[]) =>
    new Promise<{ code: unknown; out: string }>((done) => {
      execFile(join(ROOT, "teal"), ["doctor", ...args], { env }, (error, out) =>
        done({ code: error?.code ?? 0, out }),
      );
    });
  const words = await ask();
  t.is(words.code, 1);
  t.regex(words.out, /^✗ Docker engine: does not answer\. 'teal up' starts it\.$/m);
  t.regex(words.out, /\d+ of \d+ findings need attention\.\n$/);
  const json = await ask("--json");
  t.is(json.code, 1);
  const engine = { level: "bad", what: "Docker engine" };
  t.like(
    JSON.parse(json.out).find((one: { what: string }) => one.what === engine.what),
    engine,
  );
});
