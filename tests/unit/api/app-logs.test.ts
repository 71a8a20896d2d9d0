import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { call, readEvents, type SentEvent } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const T = 1_700_000_000_000;
const bearer = () => ({ Authorization: `Bearer ${api.tokens.admin}` });

async function appOf(name: string) {
  await api.store.createApp(name, "ann");
  const dir = join(api.logs, "apps", name);
  mkdirSync(dir, { recursive: true });
  return dir;
}

const line = (t: number, from: string, text: string, more: object = {}) =>
  `${JSON.stringify({ t: T + t, from, ...more, text })}\n`;

const texts = (lines: { text: string }[]) => lines.map(({ text }) => text);

async function read(app: string, query = "") {
  const { json, status } = await call(api, "GET", `/apps/${app}/logs?${query}`);
  if (status !== 200) throw new Error(JSON.stringify(json));
  return json.lines as { id: string; text: string; from: string }[];
}

test("lines of all files are merged by time and chosen by what is asked", async (t) => {
  const dir = await appOf("merged");
  const of = { colour: "blue", release: 1 };
  writeFileSync(join(dir, "v1.web.1.merged-1.old.jsonl"), line(1, "web.1", "a", of));
  writeFileSync(
    join(dir, "v1.web.1.merged-1.jsonl"),
    line(4, "web.1", "d", of) + line(9, "web.1", "half").slice(0, 20),
  );
  writeFileSync(
    join(dir, "v2.worker.2.merged-2.jsonl"),
    line(3, "worker.2", 'say "c"', { colour: "green", release: 2 }),
  );
  writeFileSync(join(dir, "router-1.jsonl"), line(2, "router.1", "b"));
  writeFileSync(join(dir, "teal-1.jsonl"), `nonsense\n${line(5, "teal", "e")}`);
  writeFileSync(join(dir, "stranger.txt"), line(6, "x", "x"));
  t.deepEqual(texts(await read("merged")), ["a", "b", 'say "c"', "d", "e"]);
  t.deepEqual(texts(await read("merged", "limit=2")), ["d", "e"]);
  t.deepEqual(texts(await read("merged", "ps=web.1")), ["a", "d"]);
  t.deepEqual(texts(await read("merged", "ps=worker")), ['say "c"']);
  t.deepEqual(texts(await read("merged", "release=1")), ["a", "d"]);
  t.deepEqual(texts(await read("merged", "source=router")), ["b"]);
  t.deepEqual(texts(await read("merged", "source=teal")), ["e"]);
  t.deepEqual(texts(await read("merged", `grep=${encodeURIComponent('y "c')}`)), ['say "c"']);
  const since = new Date(T + 4).toISOString();
  t.deepEqual(texts(await read("merged", `since=${since}`)), ["d", "e"]);
  t.deepEqual(await read("merged", "since=10m"), []);
  for (const bad of ["since=soon", "ps=../x", "limit=-1", "source=me", "after=x&follow=1"]) {
    t.is((await call(api, "GET", `/apps/merged/logs?${bad}`)).status, 400, bad);
  }
});

test("the newest lines of a long file are found from its end", async (t) => {
  const dir = await appOf("long");
  const all = Array.from({ length: 5000 }, (_, n) =>
    line(n, "web.1", `${n} ${"é".repeat(n % 70)}`),
  );
  writeFileSync(join(dir, "v1.web.1.long-1.jsonl"), all.join(""));
  const last = await read("long", "limit=3000");
  t.is(last.length, 3000);
  t.is(last[0]?.text.split(" ")[0], "2000");
  t.is(last.at(-1)?.text, `4999 ${"é".repeat(4999 % 70)}`);
});

test("a follower gets each line once, through a rotation, and goes on where it was cut off", async (t) => {
  const dir = await appOf("followed");
  const file = join(dir, "v1.web.1.followed-1.jsonl");
  writeFileSync(file, line(1, "web.1", "one") + line(1, "web.1", "two"));
  const got: SentEvent[] = [];
  const path = "/api/v1/apps/followed/logs?follow=1";
  const until = (text: string) => (events: SentEvent[]) => {
    if (events.length === 2 && got.length === 0) {
      got.push(...events);
      appendFileSync(file, line(2, "web.1", "three"));
      renameSync(file, file.replace(".jsonl", ".old.jsonl"));
      writeFileSync(file, line(3, "web.1", "four"));
    }
    return events.at(-1)?.data.text === text;
  };
  const first = await readEvents(api, path, bearer(), until("four"));
  t.deepEqual(texts(first.map(({ data }) => data)), ["one", "two", "three", "four"]);
  const resume = { ...bearer(), "Last-Event-ID": first[0]?.id ?? "" };
  appendFileSync(file, line(4, "web.1", "five"));
  const again = await readEvents(api, path, resume, until("five"));
  t.deepEqual(texts(again.map(({ data }) => data)), ["two", "three", "four", "five"]);
});

test("who may not read the app does not learn that it has a log", async (t) => {
  await appOf("hidden");
  const answer = await call(api, "GET", "/apps/hidden/logs", { token: api.tokens.read });
  t.is(answer.status, 404);
});
