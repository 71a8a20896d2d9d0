import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { PlacedLine } from "../../apps/app-logs.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { logFilters, onesAndPairs, queryOf } from "../support/log-filters.ts";
import { until } from "../support/platform.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "talks";
const SECRET = "s3cr3t-of-the-logs";

const WORKER = 'console.log("here too"); setInterval(() => {}, 1000);\n';

const test = testApp({
  ...{ app: APP, fixture: "talks", workers: 2 },
  files: { Procfile: "web: node server.js\nworker: node worker.js\n", "worker.js": WORKER },
  env: { TEAL_DRAIN: "1", TEAL_APP_LOG_MB: "20" },
});

const tell = (t: ExecutionContext<AppWorld>, path: string) =>
  ask(t.context.platform.routerPort, `${APP}.localhost`, path);

async function lines(t: ExecutionContext<AppWorld>, query: string): Promise<PlacedLine[]> {
  const { body } = await t.context.platform.api("GET", `/apps/${APP}/logs?${query}`);
  return body.lines;
}

/** Waits until a line with the text is kept. */
async function kept(t: ExecutionContext<AppWorld>, text: string): Promise<void> {
  const query = `grep=${encodeURIComponent(text)}&source=app`;
  await until(15_000, async () => (await lines(t, query)).length > 0);
}

test.serial("what an instance says is kept, masked and clean, and the CLI shows it", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  await platform.api("POST", `/apps/${APP}/config`, { set: { TOKEN: SECRET } });
  await until(30_000, async () => {
    await tell(t, "/secret?text=TOKEN");
    return (await lines(t, "grep=the+secret+is+********!&source=app")).length > 0;
  });
  await tell(t, "/escapes");
  await kept(t, "red");
  const [escapes] = await lines(t, "grep=red&source=app&limit=1");
  t.is(escapes?.text, "\u001b[31mred\u001b[0m");
  t.is((await lines(t, `grep=${SECRET}`)).length, 0);

  const { teal } = createTeal(platform);
  const shown = await teal(["logs", "-a", APP, "--ps", "web.1", "--release", "v2"]);
  t.regex(shown.out, /^\d{4}-\d\d-\d\dT[\d:.]+Z web\.1\[green\]: here I am$/m);
  const first = await teal(["logs", "-a", APP, "--release", "v1", "--json", "--grep", "here I"]);
  t.like(JSON.parse(first.out), { from: "web.1", colour: "blue", release: 1, text: "here I am" });
  const ours = await teal(["logs", "-a", APP, "--source", "teal"]);
  t.regex(ours.out, /web\.1 started/);
  t.regex(ours.out, /talks-\d: Swapped to green/);

  const routed = (await teal(["logs", "-a", APP, "--source", "router"])).out;
  t.regex(routed, /router\.1.*\/escapes/);
  t.regex((await teal(["logs", "-a", APP, "--deploy", `${APP}-1`])).out, /Live at/);
});

/** All lines, once none has come for a second. */
async function atRest(t: ExecutionContext<AppWorld>): Promise<PlacedLine[]> {
  let all = await lines(t, "limit=10000");
  await until(20_000, async () => {
    const before = all.length;
    await sleep(1000);
    all = await lines(t, "limit=10000");
    return all.length === before;
  });
  return all;
}

const textsOf = (all: PlacedLine[]) => all.map(({ from, text }) => `${from}: ${text}`);

test.serial("each way to choose lines does as it says, alone and beside each other", async (t) => {
  t.timeout(90_000);
  const { teal } = createTeal(t.context.platform);
  const all = await atRest(t);
  const filters = logFilters(all[Math.floor(all.length / 2)]?.t ?? 0);
  for (const chosen of onesAndPairs(filters)) {
    const wanted = textsOf(all.filter((line) => chosen.every(({ keeps }) => keeps(line))));
    const query = queryOf(chosen);
    t.deepEqual(textsOf(await lines(t, `limit=10000&${query}`)), wanted, query);
    t.deepEqual(textsOf(await lines(t, `limit=2&${query}`)), wanted.slice(-2), query);
  }
  const said = async (...words: string[]): Promise<PlacedLine[]> => {
    const { out } = await teal(["logs", "-a", APP, "--json", ...words]);
    const texts = out.split("\n").filter(Boolean);
    return texts.map((line) => JSON.parse(line));
  };
  for (const { option, value, keeps } of filters) {
    const left = all.filter(keeps);
    t.true(left.length > 0 && left.length < all.length, `${option} ${value} chooses`);
    t.deepEqual(textsOf(await said("-n", "10000", `--${option}`, value)), textsOf(left), option);
  }
  t.deepEqual(textsOf(await said("-n", "3")), textsOf(all.slice(-3)));
  t.deepEqual(await said("--ps", "worker", "--source", "router"), []);
});

test.serial("followed, lines come as they are said, and only those that are wanted", async (t) => {
  t.timeout(60_000);
  const { start } = createTeal(t.context.platform);
  const wanted = ["-n", "0", "--ps", "web", "--grep", "wanted"];
  const follower = start("logs", "-f", "-a", APP, ...wanted);
  let followed = "";
  follower.stdout?.on("data", (chunk: Buffer) => (followed += chunk.toString()));
  await sleep(1500);
  for (const text of ["other", "wanted+1", "not", "wanted+2"]) await tell(t, `/say?text=${text}`);
  await until(10_000, async () => followed.includes("wanted 2"));
  follower.kill();
  const heard = followed.trim().replaceAll(/^\S+ /gm, "");
  t.is(heard, "web.1[green]: wanted 1\nweb.1[green]: wanted 2");
});

test.serial(
  "no line is lost or kept twice when workers are killed while an app writes",
  async (t) => {
    t.timeout(120_000);
    const { platform } = t.context;
    const writing = tell(t, "/count?from=1&to=4000");
    for (const worker of ["worker-1", "worker-2", "worker-1"]) {
      await sleep(300);
      platform.signal(worker, "SIGKILL");
    }
    await writing;
    await tell(t, "/count?from=4001&to=4010");
    await kept(t, "line 4010");
    const numbers = (await lines(t, "grep=line&source=app&limit=10000"))
      .map(({ text }) => /^line (\d+)$/.exec(text)?.[1])
      .filter((it) => it !== undefined)
      .map(Number);
    t.deepEqual(
      numbers,
      Array.from({ length: 4010 }, (_, n) => n + 1),
    );
  },
);

test.serial(
  "a replaced container's last words, a crash and a failed deploy are still there",
  async (t) => {
    t.timeout(120_000);
    const { repo, platform } = t.context;
    await tell(t, "/exit");
    await until(15_000, async () =>
      (await lines(t, "source=teal")).some(
        ({ text }) => text === "web.1 ended by itself with status 3",
      ),
    );
    await until(20_000, async () => (await tell(t, "/say?text=back")) === "done");
    const broken = await repo.push({ "server.js": 'console.log("doomed"); process.exit(4);\n' });
    t.is(broken.status, 1);
    await kept(t, "doomed");
    const [doomed] = await lines(t, "grep=doomed&source=app&limit=1");
    t.is(doomed?.release, 3);
    // Two more releases: what ran for v1 and v2 is stopped and removed.
    for (const value of ["a", "b"]) {
      await platform.api("POST", `/apps/${APP}/config`, { set: { MORE: value } });
    }
    await until(60_000, async () => (await lines(t, "release=1&grep=last+words")).length === 1);
  },
);

test.serial("a flood of 100 MB harms neither the size of the log nor a swap", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  await until(30_000, async () => (await tell(t, "/say?text=ready")) === "done");
  const flooding = tell(t, "/flood?mb=100");
  const began = performance.now();
  const asked = await platform.api("POST", `/apps/${APP}/restart`, {});
  t.is((await platform.ended(asked.body.deploy.id)).state, "live");
  t.log(`a restart during the flood took ${Math.round(performance.now() - began)} ms`);
  await flooding;
  await tell(t, "/say?text=after");
  await kept(t, "left out");
  const dir = join(platform.home, "logs/apps", APP);
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  t.log(`${(bytes / 1e6).toFixed(1)} MB are kept`);
  t.true(bytes < 20e6);
  const [left] = await lines(t, "grep=left+out&limit=1");
  t.regex(left?.text ?? "", /^\(\d+ lines, [\d.]+ MB, left out: web\.1 writes more than 512 KiB/);
});

test.serial("what is oldest goes first when there is no room, and that is said", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const dir = join(platform.home, "logs/apps", APP);
  // As instances of long ago left them.
  const at = Date.now() / 1000 - 3600;
  for (const [n, name] of ["v1.web.7.talks-0.jsonl", "v1.web.8.talks-0.jsonl"].entries()) {
    const line = { t: at * 1000, from: `web.${n + 7}`, release: 1, text: "x".repeat(900) };
    writeFileSync(join(dir, name), `${JSON.stringify(line)}\n`.repeat(12_000));
    utimesSync(join(dir, name), at + n, at + n);
  }
  t.is((await lines(t, "ps=web.7&limit=1")).length, 1);
  const asked = await platform.api("POST", `/apps/${APP}/restart`, {});
  t.is((await platform.ended(asked.body.deploy.id)).state, "live");
  const said = "the oldest lines are gone, for want of room: web.7 of v1";
  await until(20_000, async () => (await lines(t, "source=teal&grep=want+of+room")).length > 0);
  t.deepEqual(
    (await lines(t, "source=teal&grep=want+of+room")).map(({ text }) => text),
    [said],
  );
  t.is((await lines(t, "ps=web.7")).length, 0);
  t.is((await lines(t, "ps=web.8&limit=1")).length, 1);
});

test.serial("a destroyed app leaves no log", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  await platform.api("DELETE", `/apps/${APP}`, { confirm: APP });
  await until(40_000, async () => {
    const { status } = await platform.api("GET", `/apps/${APP}`);
    return status === 404 && !readdirSync(join(platform.home, "logs/apps")).includes(APP);
  });
  t.pass();
});
