import test from "ava";
import { clean } from "../../../apps/deploy-log-text.ts";
import {
  createDeployLog,
  MAX_LINES,
  type DeployLog,
  type LogLine,
} from "../../../apps/deploy-log.ts";
import { isTealError } from "../../../apps/errors.ts";
import { channels, keys } from "../../../apps/keys.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { startRedis } from "../../support/redis.ts";
import { LEASE_MS, push } from "../../support/store-worlds.ts";

const server = await startRedis();
const redis = server.connect();
const store = createRedisStore(redis);
test.after.always(() => server.stop());

/** A running deploy, and how to end it. */
async function running(app: string) {
  await store.createApp(app, "ann");
  await store.requestDeploy(push(app));
  const taken = await store.claim(app, "one", LEASE_MS);
  if (!taken) throw new Error("nothing to claim");
  const { claim, deploy } = taken;
  return { id: deploy.id, finish: () => store.finishDeploy(claim, deploy.id, "live") };
}

const texts = (lines: LogLine[]) => lines.map((line) => line.text);

async function collect(lines: AsyncIterable<LogLine>, into: LogLine[] = []): Promise<LogLine[]> {
  for await (const line of lines) into.push(line);
  return into;
}

const never = () => new AbortController().signal;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

async function subscribers(): Promise<unknown> {
  return (await redis.pubsub("NUMSUB", channels.deployEvents))[1];
}

test("lines come back in order, with kind and time, a page at a time", async (t) => {
  const log = createDeployLog(redis);
  const { id } = await running("pages");
  const before = Date.now();
  await log.append(id, [
    { kind: "step", text: "Building" },
    { kind: "output", text: "one\ntwo\r\nthree\n" },
  ]);
  await log.append(id, []);
  const lines = await log.read(id);
  t.deepEqual(texts(lines), ["Building", "one", "two", "three"]);
  t.deepEqual(
    lines.map((line) => line.kind),
    ["step", "output", "output", "output"],
  );
  t.true(lines.every((line) => line.at >= before && line.at <= Date.now()));
  const first = await log.read(id, undefined, 3);
  t.deepEqual(texts(first), ["Building", "one", "two"]);
  t.deepEqual(texts(await log.read(id, first.at(-1)?.id)), ["three"]);
  t.deepEqual(await log.read(id, lines.at(-1)?.id), []);
  t.deepEqual(await log.read("pages-9"), []);
});

test("what is not a line's id is refused", async (t) => {
  const log = createDeployLog(redis);
  for (const after of ["x", "", "-", "1", "1-1 COUNT 5", "99999999999999999999-1"]) {
    const error = await t.throwsAsync(log.read("shop-1", after));
    t.true(isTealError(error, "bad-request"), after);
  }
});

const ESC = "\u001B";

test("terminal escapes other than colours do not pass", (t) => {
  const hostile = {
    title: `a${ESC}]0;owned\u0007b`,
    "title with ST": `a${ESC}]2;owned${ESC}\\b`,
    clipboard: `a${ESC}]52;c;aGk=\u0007b`,
    clear: `${ESC}[2J${ESC}[1;1Ha${ESC}[Kb`,
    nested: `a${ESC}${ESC}[2J${ESC}[${ESC}[3Jb`.replace("[b", "b"),
    "device control": `a${ESC}P$q"p${ESC}\\b`,
    "8-bit": "a\u009B2J\u009D0;x\u009Cb",
    concealed: `a${ESC}[8mb`,
    "blinking with colour": `a${ESC}[31;5mb`,
    "private mode": `a${ESC}[?1049hb`,
    reset: `a${ESC}cb`,
    "bell, backspace, null, delete": "a\u0007\u0008\u0000\u007Fb",
    "carriage return": "a\r\rb",
    direction: "a\u202E\u2066b",
  };
  for (const [what, text] of Object.entries(hostile)) {
    const [line] = clean(text);
    t.false(/[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/.test(line ?? ""), what);
    t.regex(line ?? "", /^a.{0,3}b$/, what);
  }
  t.deepEqual(clean(`a${ESC}]0;never ended`), ["a"]);
});

test("colours stay, and end within their line", (t) => {
  const kept = [
    `${ESC}[1;31mred${ESC}[0m`,
    `${ESC}[38;5;208mx${ESC}[m`,
    `${ESC}[48;2;1;2;3mx${ESC}[00m`,
  ];
  for (const text of kept) t.deepEqual(clean(text), [text]);
  t.deepEqual(clean(`${ESC}[32mok\nnext`), [`${ESC}[32mok${ESC}[0m`, "next"]);
  t.deepEqual(clean("tab\tand ünïcödé 🚀"), ["tab\tand ünïcödé 🚀"]);
});

test("lines are split, and long ones cut between characters", (t) => {
  t.deepEqual(clean(""), [""]);
  t.deepEqual(clean("\n"), [""]);
  t.deepEqual(clean("a\n\nb\n"), ["a", "", "b"]);
  t.deepEqual(clean("x".repeat(4000)), ["x".repeat(4000)]);
  const [long] = clean("x".repeat(4001));
  t.true((long?.length ?? 0) <= 4000 && long?.endsWith("…"));
  for (const pad of [0, 1]) {
    const [rockets] = clean(`${"a".repeat(pad)}${"🚀".repeat(3000)}`);
    t.true(rockets?.isWellFormed());
  }
  const [coloured] = clean(`${ESC}[32mx`.repeat(2000));
  t.true((coloured?.length ?? 0) <= 4000);
  t.regex(coloured ?? "", /\u001B\[0m$/);
  t.true((clean("y".repeat(5_000_000))[0]?.length ?? 0) <= 4000);
});

test("a log has an end, and room for what the platform says of it", async (t) => {
  const log = createDeployLog(redis);
  const { id } = await running("chatty");
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ kind: "output" as const, text: String(i) }));
  await log.append(id, lines(MAX_LINES - 10));
  await log.append(id, lines(1500));
  await log.append(id, lines(5));
  await log.append(id, [{ kind: "error", text: "The build failed." }]);
  t.is(await redis.xlen(keys.deployLog(id)), MAX_LINES + 2);
  let all: LogLine[] = [];
  for (let page = await log.read(id); page.length > 0; page = await log.read(id, all.at(-1)?.id))
    all = [...all, ...page];
  t.is(all.at(MAX_LINES - 1)?.text, "9");
  t.like(all.at(MAX_LINES), {
    kind: "warn",
    text: `log cut: the build wrote more than ${MAX_LINES} lines`,
  });
  t.like(all.at(-1), { kind: "error", text: "The build failed." });
  const errors = Array.from({ length: 2000 }, () => ({ kind: "error" as const, text: "again" }));
  await log.append(id, errors);
  t.is(await redis.xlen(keys.deployLog(id)), MAX_LINES + 1000);
});

test("who follows gets every line once, and the end when the deploy ends", async (t) => {
  const log = createDeployLog(redis);
  const { id, finish } = await running("followed");
  await log.append(id, [{ kind: "info", text: "0" }]);
  const seen: LogLine[] = [];
  const early = collect(log.follow(id, { signal: never() }), seen);
  const other = collect(log.follow(id, { signal: never() }));
  for (let i = 1; i < 50; i += 1) await log.append(id, [{ kind: "info", text: String(i) }]);
  await until(() => seen.length === 50);
  await log.append(id, [{ kind: "info", text: "the last" }]);
  await finish();
  const expected = [...Array.from({ length: 50 }, (_, i) => String(i)), "the last"];
  t.deepEqual(texts(await early), expected);
  t.deepEqual(texts(await other), expected);
  t.deepEqual(
    texts(await collect(log.follow(id, { signal: never() }))),
    expected,
    "afterwards too",
  );
  const after = seen.at(-2)?.id ?? "";
  t.deepEqual(texts(await collect(log.follow(id, { signal: never(), after }))), ["the last"]);
  log.close();
});

test.serial("who follows misses nothing when the subscription breaks", async (t) => {
  const log = createDeployLog(redis);
  const { id, finish } = await running("cut-off");
  const seen: LogLine[] = [];
  const following = collect(log.follow(id, { signal: never() }), seen);
  for (let i = 0; i < 3; i += 1) {
    await log.append(id, [{ kind: "info", text: String(i) }]);
    await until(() => seen.length === i + 1);
    await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
  }
  await finish();
  t.deepEqual(texts(await following), ["0", "1", "2"]);
  log.close();
});

test("a deploy without a record has no more lines to wait for", async (t) => {
  const log = createDeployLog(redis);
  t.deepEqual(await collect(log.follow("nobody-1", { signal: never() })), []);
  const { id } = await running("forgotten");
  await log.append(id, [{ kind: "info", text: "here" }]);
  const seen: LogLine[] = [];
  const following = collect(log.follow(id, { signal: never() }), seen);
  await until(() => seen.length === 1);
  const app = await store.destroyApp("forgotten");
  await store.forgetApp("forgotten", app.id);
  t.deepEqual(texts(await following), ["here"]);
  await log.append(id, [{ kind: "info", text: "late" }]);
  t.true((await redis.ttl(keys.deployLog(id))) > 0, "a late line does not stay for ever");
  log.close();
});

test("an abort, a break and a close each end following", async (t) => {
  const log = createDeployLog(redis);
  const { id } = await running("endless");
  await log.append(id, [{ kind: "info", text: "here" }]);
  const abort = new AbortController();
  const seen: LogLine[] = [];
  const aborted = collect(log.follow(id, { signal: abort.signal }), seen);
  await until(() => seen.length === 1);
  abort.abort();
  t.is((await aborted).length, 1);
  t.deepEqual(await collect(log.follow(id, { signal: abort.signal })), []);
  for await (const line of log.follow(id, { signal: never() })) {
    t.is(line.text, "here");
    break;
  }
  const closed = collect(log.follow(id, { signal: never() }));
  log.close();
  t.true((await closed).length <= 1);
});

test.serial("followers share one subscription, which close ends", async (t) => {
  await redis.flushall();
  const { id } = await running("shared");
  const before = Number(await subscribers());
  const log: DeployLog = createDeployLog(redis);
  const signal = never();
  const following = [1, 2, 3].map(() => collect(log.follow(id, { signal })));
  let now: unknown = 0;
  for (let i = 0; i < 200 && now !== before + 1; i += 1) now = await subscribers();
  t.is(now, before + 1);
  log.close();
  log.close();
  await Promise.all(following);
  for (let i = 0; i < 200 && now !== before; i += 1) now = await subscribers();
  t.is(now, before);
});
