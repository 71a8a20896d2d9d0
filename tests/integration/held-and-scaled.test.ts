import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { ask } from "../support/asking.ts";
import { containersOf, runningOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { createTeal } from "../support/teal-cli.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";

const APP = "lasting";
const HOST = `${APP}.localhost`;

/** A folder with what admins may mount, and what they may not. */
const top = mkdtempSync(join(tmpdir(), "teal-roots-"));
const root = join(top, "srv");
for (const dir of ["srv", "srv/pictures", "srv-other", "elsewhere"]) mkdirSync(join(top, dir));
chmodSync(join(root, "pictures"), 0o777);
symlinkSync(join(top, "elsewhere"), join(root, "out"));

const test = testApp({
  ...{ app: APP, fixture: "stays-on" },
  env: { TEAL_DRAIN: "20", TEAL_STORAGE_ROOTS: `/nowhere:${root}` },
  files: {
    "app.json": JSON.stringify({
      formation: { web: { grace: 1, "read-only": true }, worker: { quantity: 1, grace: 4 } },
    }),
  },
});

test.after.always(() => rmSync(top, { recursive: true, force: true }));

const tell = ({ context: { platform } }: ExecutionContext<AppWorld>, path = "/", host = HOST) =>
  ask(platform.routerPort, host, path);

function say({ context: { platform } }: ExecutionContext<AppWorld>, ...words: string[]) {
  return createTeal(platform).teal([...words, "-a", APP]);
}

async function done(t: ExecutionContext<AppWorld>, ...words: string[]): Promise<string> {
  const { code, out, err } = await say(t, ...words);
  t.is(code, 0, `${words.join(" ")}: ${err}`);
  return out + err;
}

function become({ context: { repo } }: ExecutionContext<AppWorld>, code: string): void {
  const file = join(repo.dir, "server.js");
  const text = readFileSync(file, "utf8").replace(/code = "\w+"/, `code = "${code}"`);
  writeFileSync(file, text);
}

/** Of the instances that run, by process type, what Docker says of them. */
async function inspected(t: ExecutionContext<AppWorld>, process: string): Promise<any[]> {
  const all = await runningOf(t.context.platform.namespace);
  const names = all.filter((name) => name.includes(`-${process}-`));
  return JSON.parse(execFileSync("docker", ["inspect", ...names]).toString());
}

test.serial("a read-only instance writes to /tmp alone, and its log is rotated", async (t) => {
  t.timeout(60_000);
  const write = "for f in /tmp/x /x ./x; do echo y > $f && echo wrote $f; done; true";
  const web = await say(t, "enter", "web.1", write);
  t.is(web.out, "wrote /tmp/x\n");
  t.is(web.err.match(/Read-only file system/g)?.length, 2, web.err);
  const worker = await say(t, "enter", "worker.1", write);
  t.is(worker.out, "wrote /tmp/x\nwrote ./x\n", worker.err);
  t.notRegex(worker.err, /Read-only/);
  for (const process of ["web", "worker"]) {
    const [{ HostConfig: made }] = await inspected(t, process);
    t.deepEqual(made.LogConfig, {
      Type: "json-file",
      Config: { "max-file": "3", "max-size": "10m" },
    });
    t.is(made.ReadonlyRootfs, process === "web");
  }
});

test.serial("deploy --hold waits at its own address; promote loses nothing", async (t) => {
  t.timeout(120_000);
  const { repo } = t.context;
  become(t, "two");
  const held = await done(t, "deploy", repo.dir, "--hold");
  t.regex(held, /It answers at http:\/\/idle--lasting\.localhost:\d+\//);
  t.deepEqual([await tell(t), await tell(t, "/", `idle--${HOST}`)], ["one", "two"]);
  const load = startSteadyLoad(t.context.platform.routerPort, HOST);
  await done(t, "promote");
  const { answered, lost, bodies } = await load.stop();
  t.deepEqual(lost, []);
  t.true(answered > 50);
  t.true(bodies.isSubsetOf(new Set(["one", "two"])));
  t.is(await tell(t), "two");

  become(t, "three");
  const wrong = await say(t, "deploy", repo.dir, "--promote-after", "soon");
  t.is(wrong.code, 2);
  t.regex(wrong.err, /a time such as 90s, 10m or 2h/);
  const timed = await done(t, "deploy", repo.dir, "--promote-after", "3s");
  t.regex(timed, /promoted by itself/);
  t.deepEqual([await tell(t), await tell(t, "/", `idle--${HOST}`)], ["two", "three"]);
  await until(30_000, async () => (await tell(t)) === "three");
  t.is((await say(t, "promote")).code, 5, "nothing is held any more");
});

test.serial("a restart is answered throughout, by new containers", async (t) => {
  t.timeout(90_000);
  const before = await t.context.platform.live(APP);
  const load = startSteadyLoad(t.context.platform.routerPort, HOST);
  await done(t, "ps:restart");
  const { answered, lost } = await load.stop();
  t.deepEqual(lost, []);
  t.true(answered > 50);
  const after = await t.context.platform.live(APP);
  t.deepEqual(after.map(({ process }) => process).toSorted(), ["web", "worker"]);
  for (const { id } of after) t.false(before.some((old) => old.id === id));
});

test.serial("what is scaled away ends the requests that it has", async (t) => {
  t.timeout(90_000);
  await done(t, "ps:scale", "web=2");
  let ended = 0;
  const long = Array.from({ length: 6 }, async () => {
    const host = await tell(t, "/slow?ms=8000");
    ended++;
    return host;
  });
  const all = await t.context.platform.live(APP);
  await done(t, "ps:scale", "web=1");
  t.is(ended, 0, "it was asked while they went on");
  const left = await t.context.platform.live(APP);
  t.is(left.filter(({ process }) => process === "web").length, 1);
  const hosts = new Set(await Promise.all(long));
  t.is(hosts.size, 2, [...hosts].join());
  for (const host of hosts) t.regex(host, /^[0-9a-f]{12}$/);
  const away = all.find(({ id }) => !left.some((one) => one.id === id))?.id ?? "?";
  await until(
    20_000,
    async () => !(await containersOf(t.context.platform.namespace)).includes(away),
  );
});

test.serial("each process type has its own time from SIGTERM to SIGKILL", async (t) => {
  t.timeout(60_000);
  const since = Date.now() / 1000;
  await done(t, "ps:stop");
  const filter = ["--filter", `label=teal.platform=${t.context.platform.namespace}`];
  const when = ["--since", String(since), "--until", String(Date.now() / 1000)];
  const format = ["--filter", "event=kill", "--format", "{{json .}}"];
  const told = execFileSync("docker", ["events", ...filter, ...when, ...format]).toString();
  const kills = told
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const took = (process: string) => {
    const ours = kills.filter(({ Actor }) => Actor.Attributes["teal.process"] === process);
    const at = (signal: string) =>
      ours.find(({ Actor }) => Actor.Attributes.signal === signal)?.timeNano / 1e9;
    return at("9") - at("15");
  };
  const [web, worker] = [took("web"), took("worker")];
  t.true(web >= 0.9 && web < 3, `web: ${web} s`);
  t.true(worker >= 3.9 && worker < 6, `worker: ${worker} s`);
  await done(t, "ps:start");
  t.is(await tell(t), "three");
});

test.serial("a path of the machine is an admin's, below a root, links followed", async (t) => {
  t.timeout(90_000);
  const { platform } = t.context;
  const refused = async (path: string, code = 3) => {
    const { code: got, err } = await say(t, "storage:add", `${path}:/mnt`, "--overlap", "yes");
    t.is(got, code, `${path}: ${err}`);
    return err;
  };
  for (const path of ["/etc", join(top, "srv-other"), `${root}/pictures/../../elsewhere`]) {
    t.regex(await refused(path), new RegExp(`${path} lies in none of the folders.*${root}`));
  }
  t.regex(await refused(join(root, "out")), /TEAL_STORAGE_ROOTS/, "a link that leads out");
  t.regex(await refused(join(root, "missing")), /or is not there/);
  t.regex(await refused("../srv", 2), /a volume's name in small letters was expected/);
  const { body } = await platform.api("POST", "/tokens", {
    name: "bo",
    role: "deploy",
    apps: [APP],
  });
  const bo = createTeal({ ...platform, adminToken: () => body.secret as string });
  const add = ["storage:add", `${root}/pictures:/pictures`, "--overlap", "yes", "-a", APP];
  const other = await bo.teal(add);
  t.is(other.code, 3);
  t.regex(other.err, /mount host paths/);
  t.deepEqual(JSON.parse((await say(t, "storage", "--json")).out), []);

  t.is((await createTeal(platform).teal(add)).code, 0);
  const within = "echo from inside > /pictures/a && cat /pictures/a";
  t.is(await done(t, "enter", "web.1", within), "from inside\n", "read-only is the root alone");
  t.is(readFileSync(join(root, "pictures/a"), "utf8"), "from inside\n");
  // What an app may write to, it may also turn into a link.
  rmSync(join(root, "pictures"), { recursive: true });
  symlinkSync(join(top, "elsewhere"), join(root, "pictures"));
  const live = await platform.live(APP);
  const restart = await say(t, "ps:restart");
  t.is(restart.code, 1);
  t.regex(restart.err + restart.out, /srv\/pictures lies in none of the folders/);
  const run = await say(t, "run", "true");
  t.is(run.code, 3, run.err);
  t.deepEqual(
    (await platform.live(APP)).map(({ id }) => id),
    live.map(({ id }) => id),
  );
});
