import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { chainOf, wallStands } from "../../apps/metadata-wall.ts";
import { ask } from "../support/asking.ts";
import { containersOf, removeDockerRemains, volumesOf } from "../support/docker-remains.ts";
import { freePorts, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { createTeal } from "../support/teal-cli.ts";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "operating.md"), "utf8");
const dir = mkdtempSync(join(tmpdir(), "teal-backup-"));
const home = join(dir, "home");
const backup = join(dir, "backup");
const name = `tealtest-${process.pid}`;
const HOST = "shop.localhost";
const [apiPort, routerPort, sshPort, tlsPort] = (await freePorts(4)) as [
  number,
  number,
  number,
  number,
];
const env = {
  PATH: `${join(root, "node_modules", ".bin")}:${process.env["PATH"]}`,
  HOME: dir,
  TEAL_HOME: home,
  TEAL_NAMESPACE: name,
  TEAL_BIND: "127.0.0.1",
  TEAL_NETWORK_POOL: "10.217.0.0/16",
  TEAL_API_PORT: String(apiPort),
  TEAL_ROUTER_PORT: String(routerPort),
  TEAL_SSH_PORT: String(sshPort),
  TEAL_ROUTER_TLS_PORT: String(tlsPort),
};
const platform = {
  ...{ apiPort, home, apiUrl: `http://127.0.0.1:${apiPort}` },
  adminToken: () => readFileSync(join(home, "admin-token"), "utf8").trim(),
};

test.after.always(async () => {
  await shell("./teal down || true");
  await removeDockerRemains(name);
  rmSync(dir, { recursive: true, force: true });
});

async function shell(script: string, given: Record<string, string> = env): Promise<string> {
  // A bash whose standard input is a pipe may take it for a remote shell's, and read /etc/bash.bashrc.
  const child = spawn("bash", ["--norc", "-euo", "pipefail", "-c", script], {
    ...{ cwd: root, env: given },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => (said += part.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`ended with ${code}: ${said}`);
  return said;
}

/** The commands under a heading of the page, for this platform. It is named by its home alone, as there. */
function follow(heading: string): Promise<string> {
  const block = page.split(`\n## ${heading}\n`)[1]?.split("```sh\n")[1]?.split("```")[0] ?? "";
  const mine = block
    .replace("home=/var/lib/teal name=teal", `home=${home} name=${name}`)
    .replace("/root/teal-backup", backup);
  if (!mine.startsWith(`home=${home} name=${name}`)) throw new Error(`no commands: ${heading}`);
  const { PATH, HOME } = env;
  return shell(mine, { PATH, HOME });
}

test("what is backed up as the page says is restored on a machine that has nothing, and uninstalled", async (t) => {
  t.timeout(240_000);
  await shell("./teal up --no-base");
  const repo = createRepo("hello-plain", platform, "shop");
  t.teardown(() => repo.remove());
  await repo.init();
  const { teal } = createTeal(platform);
  const say = async (...args: string[]) => {
    const { code, out, err } = await teal([...args, "-a", "shop"]);
    t.is(code, 0, `${args.join(" ")}: ${out}${err}`);
    return out;
  };
  await repo.goLive({ "version.txt": "one" });
  await say("storage:add", "data:/data", "--overlap", "yes");
  await say("run", "echo kept > /data/f");
  await say("config:set", "COLOUR=red");
  await repo.goLive({ "version.txt": "two" });
  const token = platform.adminToken();
  const releases = await say("releases", "--json");

  const load = startSteadyLoad(routerPort, HOST, 2, 20);
  await follow("Backing up");
  const { answered, lost, bodies } = await load.stop();
  t.deepEqual(lost, [], "apps are served meanwhile");
  t.true(answered > 20);
  t.deepEqual(bodies, new Set(["two"]));
  await until(
    10_000,
    async () => (await teal(["config:set", "COLOUR=blue", "-a", "shop"])).code === 0,
  );

  // All is lost: what is restored is what was there at the backup.
  await shell("./teal down");
  await removeDockerRemains(name);
  rmSync(home, { recursive: true });
  await follow("Restoring, and moving to another machine");
  t.is(platform.adminToken(), token);
  await until(30_000, async () => (await ask(routerPort, HOST)) === "two");
  const numbers = (json: string) =>
    (JSON.parse(json) as { n: number; status: string }[]).map(({ n, status }) => [n, status]);
  t.deepEqual(numbers(await say("releases", "--json")), numbers(releases));
  t.is(await say("config:get", "COLOUR"), "red\n");
  t.is(await say("run", "cat /data/f"), "kept\n");
  await say("rollback");
  t.is(await ask(routerPort, HOST), "one");
  await repo.goLive({ "version.txt": "three" });
  t.is(await ask(routerPort, HOST), "three");

  await follow("Uninstalling");
  t.deepEqual([await containersOf(name), await volumesOf(name)], [[], []]);
  const left = `docker network ls -q --filter label=teal.platform=${name}; docker image ls -q --filter 'reference=${name}/*'`;
  t.is(await shell(left), "");
  t.false(existsSync(home));
  t.false(await wallStands(chainOf(name)));
});
