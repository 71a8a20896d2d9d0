import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { COMMANDS } from "../../apps/cli/commands.ts";
import type { Finding } from "../../apps/cli/platform/doctor-judge.ts";
import type { DemoFigures } from "../../apps/cli/platform/demo.ts";
import { chainOf, wallStands } from "../../apps/metadata-wall.ts";
import { poll } from "../../apps/cli/platform/poll.ts";
import { removeDockerRemains } from "../support/docker-remains.ts";
import { freePorts } from "../support/platform.ts";

const root = join(import.meta.dirname, "..", "..");
const dir = mkdtempSync(join(tmpdir(), "teal-launcher-"));
const home = join(dir, "home");
const env: Record<string, string> = {
  ...Object.fromEntries(
    [
      "PATH",
      "HOME",
      "NODE_EXTRA_CA_CERTS",
      "SSL_CERT_FILE",
      "HTTP_PROXY",
      "HTTPS_PROXY",
      "NO_PROXY",
    ].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  ),
  TEAL_HOME: home,
  TEAL_NAMESPACE: `tealtest-${process.pid}`,
  TEAL_BIND: "127.0.0.1",
  TEAL_NETWORK_POOL: "10.216.0.0/16",
};

test.before(async () => {
  const [api, router, ssh, tls] = await freePorts(4);
  env["TEAL_API_PORT"] = String(api);
  env["TEAL_ROUTER_PORT"] = String(router);
  env["TEAL_ROUTER_TLS_PORT"] = String(tls);
  env["TEAL_SSH_PORT"] = String(ssh);
  // From elsewhere, through a link to a link: the launcher finds its project.
  symlinkSync(join(root, "teal"), join(dir, "first"));
  symlinkSync("first", join(dir, "teal"));
});

test.after.always(async () => {
  await teal("down");
  await removeDockerRemains(env["TEAL_NAMESPACE"] as string);
  rmSync(dir, { recursive: true, force: true });
});

/** Commands that were run here. */
const ran = new Set<string>();

/** What the doctor says about the platform's processes, each as `level: text`. */
async function ofProcesses(): Promise<string[]> {
  const found = JSON.parse((await teal("doctor", "--json")).out) as Finding[];
  return found
    .filter(({ what }) => what === "processes")
    .map(({ level, says }) => `${level}: ${says}`);
}

/** Runs the launcher until its output is closed: a process that held it would be noticed here. */
const teal = (...args: string[]) => tealWith({}, ...args);

async function tealWith(more: Record<string, string>, ...args: string[]) {
  ran.add(args[0] ?? "");
  const child = spawn(join(dir, "teal"), args, {
    cwd: dir,
    env: { ...env, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (part: Buffer) => (out += part.toString()));
  child.stderr.on("data", (part: Buffer) => (out += part.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out };
}

interface Status {
  up: boolean;
  apps: number | null;
  services: { name: string; pid: number | null }[];
}

async function status(): Promise<Status> {
  return JSON.parse((await teal("status", "--json")).out) as Status;
}

test.serial("wrong usage is told as such", async (t) => {
  const { code, out } = await teal("up", "--fast");
  t.is(code, 2);
  t.regex(out, /--fast/);
});

test.serial(
  "before the first up, status says that nothing runs and down has nothing to do",
  async (t) => {
    const { code, out } = await teal("status");
    t.is(code, 1);
    t.regex(out, /'teal up' starts them/);
    const stopped = await teal("down");
    t.is(stopped.code, 0);
    t.regex(stopped.out, /Nothing runs/);
  },
);

test.serial("up brings the platform up and prints how to push", async (t) => {
  t.timeout(180_000);
  const { code, out } = await teal("up", "--no-base");
  t.is(code, 0, out);
  t.true(out.includes(`http://localhost:${env["TEAL_API_PORT"]}/`));
  t.true(out.includes(join(home, "admin-token")));
  t.regex(out, /git remote add deploy .*\/git\/shop\.git/);
  t.true(existsSync(join(home, "admin-token")));
  t.is(statSync(home).mode & 0o777, 0o700);
  t.true((await status()).up);
});

test.serial("a second up says that nothing was changed, and keeps every process", async (t) => {
  const before = (await status()).services;
  const { code, out } = await teal("up", "--no-base");
  t.is(code, 0, out);
  t.regex(out, /nothing was changed/);
  t.deepEqual(
    (await status()).services.map(({ name, pid }) => [name, pid]),
    before.map(({ name, pid }) => [name, pid]),
  );
});

test.serial("router:reload puts another router in the place of the one that runs", async (t) => {
  t.timeout(60_000);
  const router = async () => (await status()).services.find(({ name }) => name === "router-1")?.pid;
  const before = await router();
  t.deepEqual(await ofProcesses(), ["good: all run."]);
  const { code, out } = await teal("router:reload", "--json");
  t.is(code, 0, out);
  t.deepEqual(
    (JSON.parse(out) as { routers: { name: string }[] }).routers.map(({ name }) => name),
    ["router-1"],
  );
  t.not(await router(), before);
  t.true((await status()).up);
});

test.serial("the demo loses no request, and writes its figures", async (t) => {
  t.timeout(300_000);
  const file = join(dir, "figures.json");
  const { code, out } = await teal("demo", "--json", file);
  t.is(code, 0, out);
  t.regex(out, /requests lost +0/);
  const figures = JSON.parse(readFileSync(file, "utf8")) as DemoFigures;
  t.is(figures.requests.lost, 0);
  t.deepEqual(figures.requests.byVersion.map(({ colour }) => colour).toSorted(), ["blue", "green"]);
  for (const { served } of figures.requests.byVersion) t.true(served > 0);
  const { firstPush, secondPush, rollback } = figures;
  for (const time of [firstPush.toLiveMs, secondPush.swapMs, rollback.swapMs]) {
    t.true(time !== null && time > 0);
  }
  t.false(out.includes(readFileSync(join(home, "admin-token"), "utf8").trim()));
  t.is((await status()).apps, 1);
});

test.serial(
  "every process that is killed comes back, and the platform is healthy again",
  async (t) => {
    t.timeout(120_000);
    const before = (await status()).services;
    for (const { pid } of before) process.kill(pid as number, "SIGKILL");
    const back = await poll(async () => {
      const now = await status();
      return now.up && now.services.every(({ pid }, i) => pid !== before[i]?.pid);
    }, 60_000);
    t.true(back);
    const crashed = (await ofProcesses()).map(
      (one) => /^warn: (\S+) has crashed/.exec(one)?.[1] ?? one,
    );
    t.deepEqual(crashed.toSorted(), before.map(({ name }) => name).toSorted());
  },
);

test.serial("a platform of the same name in another home does not begin", async (t) => {
  t.timeout(60_000);
  const other = join(dir, "other");
  const began = await tealWith({ TEAL_HOME: other }, "up", "--no-base");
  t.is(began.code, 1, began.out);
  t.regex(began.out, /is new, and \d+ container\(s\) here are of a platform named 'tealtest-/);
  t.regex(began.out, /TEAL_NAMESPACE=tealtest-\d+2 /);
  t.false(existsSync(join(other, "settings.json")));
  t.true((await status()).up);
});

test.serial("down stops all of it, and status says so", async (t) => {
  t.timeout(120_000);
  const { code, out } = await teal("down");
  t.is(code, 0, out);
  t.regex(out, /Stopped .*web-1/);
  const now = await status();
  t.false(now.up);
  t.true(now.services.every(({ pid }) => pid === null));
  t.true(existsSync(join(home, "redis")), "the data stays");
  t.regex((await ofProcesses())[0] ?? "", /^bad: the platform does not run/);
  const chain = chainOf(env["TEAL_NAMESPACE"] as string);
  t.true(await wallStands(chain), "apps run on, shut off from the cloud's metadata");
  await removeDockerRemains(env["TEAL_NAMESPACE"] as string, { wall: false });
  await teal("down");
  t.false(await wallStands(chain));
});

test.serial("test runs the tests that it is given, and ends with their sum", async (t) => {
  t.timeout(120_000);
  const { code, out } = await teal("test", "tests/unit/cli/dotenv.test.ts");
  t.is(code, 0, out);
  t.regex(out, /\n\d+ passed, 0 failed\n$/);
});

test.serial("with that, every command of the launcher has been run", (t) => {
  t.deepEqual(
    COMMANDS.filter((one) => !one.run && !ran.has(one.name)).map(({ name }) => name),
    [],
  );
});
