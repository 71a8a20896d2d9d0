import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { readPlatform } from "../../../apps/cli/platform/environment.ts";
import {
  quote,
  serviceFiles,
  writeService,
  type Service,
} from "../../../apps/cli/platform/service-files.ts";
import { platformServices, readProcfile } from "../../../apps/cli/platform/services.ts";
import { readStatus } from "../../../apps/cli/platform/supervisor.ts";
import { unitName, unitText } from "../../../apps/cli/platform/systemd.ts";

const sh = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), "teal services' "));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

const HOSTILE = [
  "plain",
  "a b",
  "it's",
  '"$HOME" `id` $(id)',
  "back\\slash",
  "two\nlines",
  "",
  "-n",
  "*",
];

function service(more: Partial<Service> = {}): Service {
  return { name: "web-1", cwd: dir, env: {}, command: "true", logDir: join(dir, "log"), ...more };
}

test("a quoted word reaches the program as it was written", async (t) => {
  for (const text of HOSTILE) {
    const { stdout } = await sh("/bin/sh", ["-c", `printf %s ${quote(text)}`]);
    t.is(stdout, text);
  }
});

test("a service's program sees its constructed environment and nothing else", async (t) => {
  const env = Object.fromEntries(HOSTILE.map((text, i) => [`VALUE_${i}`, text]));
  const home = join(dir, "environment", "web-1");
  await writeService(home, service({ env: { ...env, PATH: "/usr/bin:/bin" }, command: "env -0" }));
  const { stdout } = await sh(join(home, "run"), [], {
    env: { PATH: "/usr/bin:/bin", SECRET: "of the caller" },
  });
  const seen = Object.fromEntries(
    stdout
      .split("\0")
      .filter(Boolean)
      .map((line) => [line.split("=", 1)[0], line.slice(line.indexOf("=") + 1)]),
  );
  delete seen["PWD"];
  delete seen["OLDPWD"];
  t.deepEqual(seen, { ...env, PATH: "/usr/bin:/bin" });
});

test("writing a service says whether it is new, changed or the same", async (t) => {
  const home = join(dir, "written", "web-1");
  t.is(await writeService(home, service()), "new");
  t.is(await writeService(home, service()), "same");
  t.is(await writeService(home, service({ env: { A: "1" } })), "changed");
  t.is(await writeService(home, service({ env: { A: "1" }, print: "abc" })), "changed");
  t.is(statSync(join(home, "run")).mode & 0o777, 0o700, "run files hold secrets");
});

test("a log is kept in pieces of a bounded size", (t) => {
  const files = serviceFiles(service());
  t.regex(files["log/config"] ?? "", /^s\d+\nn\d+\nN\d+\n$/);
  t.true((files["log/run"] ?? "").includes("exec svlogd "));
});

test("a Procfile is read line by line, comments and blank lines aside", (t) => {
  const text = "# ours\nweb: node a.ts --port 1:2\n\n  worker:node b.ts\nnonsense\n: x\n";
  t.deepEqual(
    [...readProcfile(text)],
    [
      ["web", "node a.ts --port 1:2"],
      ["worker", "node b.ts"],
    ],
  );
});

async function platform(env: Record<string, string>, root = dir) {
  return readPlatform(root, { TEAL_HOME: join(dir, "home"), ...env });
}
const PROCFILE = "web: node web.ts\nworker: node worker.ts\nrouter: node router.ts\n";

test("the settings say how many workers and routers there are", async (t) => {
  const some = await platform({ TEAL_WORKERS: "2", TEAL_ROUTERS: "3" });
  const services = await platformServices(some, PROCFILE);
  t.deepEqual(
    services.map(({ name }) => name),
    ["redis", "web-1", "worker-1", "worker-2", "router-1", "router-2", "router-3"],
  );
  t.is(services.find(({ name }) => name === "router-3")?.env["TEAL_PROCESS_INDEX"], "3");
});

test("there is no redis-server of our own when TEAL_REDIS_URL names one", async (t) => {
  const services = await platformServices(
    await platform({ TEAL_REDIS_URL: "redis://store.example:6379" }),
    PROCFILE,
  );
  t.deepEqual(
    services.map(({ name }) => name),
    ["web-1", "worker-1", "router-1"],
  );
});

test("our own redis-server listens on a unix socket alone and forgets nothing", async (t) => {
  const [redis] = await platformServices(await platform({}), PROCFILE);
  for (const part of [
    "'--port' '0'",
    "'--unixsocketperm' '700'",
    "'--appendonly' 'yes'",
    "'--appendfsync' 'always'",
    "'--maxmemory-policy' 'noeviction'",
  ]) {
    t.true(redis?.command.includes(part), part);
  }
});

test("a change of the workers' code leaves the routers' services as they are", async (t) => {
  const root = join(dir, "project");
  for (const folder of ["apps", "workers", "router"])
    mkdirSync(join(root, folder), { recursive: true });
  const prints = async () =>
    Object.fromEntries(
      (await platformServices(await platform({}, root), PROCFILE)).map((s) => [s.name, s.print]),
    );
  const before = await prints();
  writeFileSync(join(root, "workers", "main.ts"), "export {}");
  const after = await prints();
  t.is(after["router-1"], before["router-1"]);
  t.not(after["worker-1"], before["worker-1"]);
  writeFileSync(join(root, "apps", "keys.ts"), "export {}");
  t.not((await prints())["router-1"], before["router-1"]);
});

test("the words of sv are understood", (t) => {
  t.deepEqual(readStatus("run: /x/y: (pid 7) 42s; run: log: (pid 6) 50s"), {
    state: "up",
    pid: 7,
    seconds: 42,
  });
  t.deepEqual(readStatus("down: /x/y: 3s, normally up, want up; run: log: (pid 6) 50s"), {
    state: "down",
    pid: null,
    seconds: 3,
  });
  t.is(
    readStatus("warning: /x/y: unable to open supervise/ok: file does not exist").state,
    "stuck",
  );
  t.is(readStatus("").state, "stuck");
});

test("a systemd unit starts the supervisor at boot and stops Redis last", (t) => {
  const text = unitText({ serviceDir: "/var/lib/teal/service", path: "/usr/bin:/bin" });
  t.true(text.includes('ExecStart=/usr/bin/runsvdir -P "/var/lib/teal/service"'));
  t.true(text.includes("WantedBy=multi-user.target"));
  t.true(text.includes("Restart=always"));
  const stops = text.split("\n").filter((line) => line.startsWith("ExecStop="));
  t.is(stops.length, 3);
  t.regex(stops[0] ?? "", /force-stop .*grep -v .*redis/);
  t.regex(stops[1] ?? "", /kill -HUP \$MAINPID/);
  t.regex(stops[2] ?? "", /force-shutdown/);
});

test("in a systemd unit a dollar and a percent sign of a path stand for themselves", (t) => {
  const text = unitText({ serviceDir: "/srv/50%/$x/service", path: "/bin" });
  t.true(text.includes('ExecStart=/usr/bin/runsvdir -P "/srv/50%%/$$x/service"'));
});

test("a second platform has a unit of its own", (t) => {
  t.is(unitName("teal"), "teal.service");
  t.is(unitName("blue-lab"), "teal-blue-lab.service");
});

test("the project's own Procfile names the three processes", (t) => {
  const text = readFileSync(join(import.meta.dirname, "..", "..", "..", "Procfile"), "utf8");
  t.deepEqual([...readProcfile(text).keys()], ["web", "worker", "router"]);
});
