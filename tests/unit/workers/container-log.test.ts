import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { AppLogLine } from "../../../apps/app-log-files.ts";
import { createAppLogs } from "../../../apps/app-logs.ts";
import { keepBudget, openLogFile } from "../../../workers/app-log-file.ts";
import { createAppNotes } from "../../../workers/app-notes.ts";
import { openContainerLog } from "../../../workers/container-log.ts";

const logs = mkdtempSync(join(tmpdir(), "teal-logs-"));
test.after.always(() => rmSync(logs, { recursive: true, force: true }));

const LIMITS = { appBytes: 1_600_000, perSecond: 10_000, burst: 20_000 };
const T = 1_700_000_000_000;

function open(app: string, limits = LIMITS) {
  const container = {
    ...{ id: "x", app, process: "web", index: "1", deploy: `${app}-1`, release: 1 },
    ...({ colour: "blue", running: true, fresh: false } as const),
  };
  return openContainerLog({
    ...{ logs, container, limits },
    conceal: (_, text) => text.replaceAll("hunter22", "********"),
    grown() {},
    failed(error) {
      throw error;
    },
  });
}

const fileOf = (app: string) => join(logs, "apps", app, `v1.web.1.${app}-1.jsonl`);
const linesOf = (app: string) =>
  readFileSync(fileOf(app), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((it) => JSON.parse(it) as AppLogLine);

test("output is cleaned and masked, and goes on after a restart without a line twice", async (t) => {
  const first = await open("again");
  t.is(first.since, null);
  first.sink.line({ t: T, n: 1, text: "\u001b]0;x\u0007my hunter22" });
  first.sink.line({ t: T, n: 2, text: "same time" });
  first.sink.line({ t: T, n: 2, text: "same time" });
  await first.close();
  // Killed in the middle of a line.
  appendFileSync(fileOf("again"), '{"t":17');
  const second = await open("again");
  t.like(second.since, { t: T, n: 2 });
  // The engine gives what is of that very time once more.
  for (let n = 0; n < 3; n++) second.sink.line({ t: T, n: 2, text: "same time" });
  second.sink.line({ t: T + 1, n: 0, text: "next" });
  await second.close();
  const texts = linesOf("again").map(({ text }) => text);
  t.deepEqual(texts, ["my ********", "same time", "same time", "same time", "next"]);
  t.like(linesOf("again")[0], { t: T, n: 1, from: "web.1", colour: "blue", release: 1 });
});

test("a flood is cut by the time of its lines, and the log says how much", async (t) => {
  const log = await open("flood");
  const offer = (at: number, text: string) => {
    if (log.sink.take(1000, { t: at, n: 0 })) log.sink.line({ t: at, n: 0, text });
    else log.sink.left({ t: at, n: 0 }, 1000);
  };
  for (let n = 0; n < 100; n++) offer(T + 1, "x");
  offer(T + 60_000, "calm again");
  await log.close();
  const lines = linesOf("flood");
  t.is(lines.length, 22);
  t.regex(lines[20]?.text ?? "", /^\(80 lines, 0\.1 MB, left out: web\.1 writes more than 10 KiB/);
  t.is(lines[21]?.text, "calm again");
});

test("a file begins anew when it is full, the oldest go first, and none that is in use", async (t) => {
  const dir = join(logs, "apps", "budget");
  for (const name of ["v1.web.1.budget-1", "v2.web.1.budget-2", "v3.web.1.budget-3"]) {
    const file = openLogFile(join(dir, `${name}.jsonl`), { maxBytes: 1000, grown() {} });
    for (let n = 0; n < 30; n++) await file.append([{ t: T + n, from: "web.1", text: "x" }]);
    await file.close();
  }
  t.is(readdirSync(dir).length, 6);
  const inUse = new Set(["v1.web.1.budget-1.jsonl"]);
  await keepBudget(dir, { maxBytes: 2500, maxFiles: 400, inUse });
  const left = readdirSync(dir).toSorted();
  t.true(left.includes("v1.web.1.budget-1.jsonl"));
  t.true(left.includes("v3.web.1.budget-3.jsonl"));
  t.false(left.includes("v1.web.1.budget-1.old.jsonl"));
});

test("the platform's own lines stand between those of the instances, and revive no removed folder", async (t) => {
  const notes = createAppNotes({
    logs,
    index: "1",
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  notes.note("gone", { text: "nobody is there" });
  notes.begin("noted", { text: "noted-1: Swapped to green", release: 2, colour: "green" });
  const reader = createAppLogs({ logs });
  const query = { limit: 10 };
  for (let n = 0; n < 100 && (await reader.read("noted", query)).length === 0; n++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  t.like(await reader.read("noted", query), [
    { from: "teal", text: "noted-1: Swapped to green", release: 2 },
  ]);
  t.false(readdirSync(join(logs, "apps")).includes("gone"));
});
