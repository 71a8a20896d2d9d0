import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { startAppWorld } from "../support/app-world.ts";

let world: Awaited<ReturnType<typeof startAppWorld>>;
test.before(async (t) => {
  t.timeout(120_000);
  world = await startAppWorld({ TEAL_DRAIN: "1" });
  await world.cli.say("apps:create shop");
  for (const what of ["guard:off", "ps:scale worker=0", "config:set GREETING=one"])
    await world.say(what);
});
test.after.always(() => world?.stop());

/** Pushes the app as another version of itself; its commit. */
async function push(code: string): Promise<string> {
  const { repo } = world;
  const file = join(repo.dir, "server.js");
  writeFileSync(file, readFileSync(file, "utf8").replace(/code: "\w+"/, `code: "${code}"`));
  await repo.goLive({}, code);
  return (await repo.git("rev-parse", "HEAD")).text.trim();
}

/** What the platform gives, as the container that answers has it. */
async function given(): Promise<Record<string, string>> {
  const names = ["PORT", "TEAL_APP", "TEAL_RELEASE", "TEAL_COLOUR", "TEAL_COMMIT", "TEAL_PROCESS"];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await world.value(name)] as const)),
  );
}

const runs = async () => [await world.codeOf(), await world.value("GREETING")];

/** Lines of the newest deploy's log. */
async function logOfNewest(): Promise<string[]> {
  const { platform } = world;
  const [deploy] = (await platform.api("GET", "/apps/shop/deploys?limit=1")).body.deploys;
  const { lines } = (await platform.api("GET", `/deploys/${deploy.id}/log`)).body;
  return lines.map((line: { text: string }) => line.text);
}

/** Which gates the newest deploy ran, and what the release command printed. */
const gatesOfNewest = async () =>
  (await logOfNewest()).filter((text) => /^Running the|^migrating/.test(text));

test.serial("a container is told what it is, after a push and after each rollback", async (t) => {
  t.timeout(120_000);
  const { say } = world;
  const always = { PORT: "5000", TEAL_APP: "shop", TEAL_PROCESS: "web" };
  const one = await push("one");
  const first = { ...always, TEAL_RELEASE: "v1", TEAL_COLOUR: "blue", TEAL_COMMIT: one };
  t.deepEqual(await given(), first);
  const two = await push("two");
  t.not(two, one);
  const second = { ...always, TEAL_RELEASE: "v2", TEAL_COLOUR: "green", TEAL_COMMIT: two };
  t.deepEqual(await given(), second);
  // Warm: the container of v1 again, which cannot be told anything else.
  await say("rollback");
  t.deepEqual(await given(), first);
  t.like(await say("apps:info"), { live: { release: 3, colour: "blue" } });
  // From its image, in a container of its own.
  await push("three");
  await say("rollback v2");
  t.deepEqual(await given(), { ...second, TEAL_RELEASE: "v5", TEAL_COLOUR: "blue" });
});

test.serial("rollback --code-only keeps the config, --config-only keeps the code", async (t) => {
  t.timeout(120_000);
  const { say } = world;
  await say("config:set GREETING=two");
  t.deepEqual(await runs(), ["two", "two"]);
  await say("rollback v1 --code-only");
  t.deepEqual(await runs(), ["one", "two"]);
  await say("rollback v4 --config-only");
  t.deepEqual(await runs(), ["one", "one"]);
  const [newest]: any[] = await say("releases");
  t.like(newest, { kind: "rollback", rollbackOf: 4, status: "live" });
  t.is((await say("config:get GREETING")).value, "one", "and so it stays for what comes next");
  await push("four");
  t.deepEqual(await runs(), ["four", "one"]);
});

test.serial("a rollback runs the release command where that is asked for alone", async (t) => {
  t.timeout(60_000);
  const { say } = world;
  const ran = ["Running the release command: node release.js", "migrating nothing"];
  t.deepEqual(await gatesOfNewest(), ran, "of a push");
  await say("rollback");
  t.deepEqual(await gatesOfNewest(), []);
  await say("rollback --run-release");
  t.deepEqual(await gatesOfNewest(), ran);
});

test.serial(
  "a standby that is not where it is on record is not swapped to, and named",
  async (t) => {
    t.timeout(60_000);
    const { platform, say } = world;
    const before = await given();
    const { live, standby } = (await platform.api("GET", "/apps/shop")).body;
    const { instances } = (await platform.api("GET", "/apps/shop/ps")).body;
    const one = instances.find((it: { serves: string }) => it.serves === "standby");
    const docker = (...args: string[]) => execFileSync("docker", args).toString().trim();
    const network = `${platform.namespace}-shop`;
    docker("network", "disconnect", network, one.id);
    docker("network", "connect", network, one.id);
    const has = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const moved = docker("inspect", "--format", has, one.id);
    t.not(moved, one.host);
    await say("rollback");
    const says = `What ran in ${standby.colour} is not fit (web.1: its container has ${moved}, and ${one.host} is on record); starting from the kept image`;
    t.true((await logOfNewest()).includes(says), (await logOfNewest()).join("\n"));
    t.not((await given())["TEAL_COMMIT"], before["TEAL_COMMIT"], "it went back all the same");
    t.is((await given())["TEAL_RELEASE"], `v${live.release + 1}`);
  },
);
