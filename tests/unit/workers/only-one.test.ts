import { randomUUID } from "node:crypto";
import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { becomeOnlyOne } from "../../../workers/only-one.ts";

test("one of two does it; the other takes over, and had not piled up anything while it waited", async (t) => {
  const what = randomUUID();
  const [first, second] = [new AbortController(), new AbortController()];
  t.teardown(() => second.abort());
  t.true(await becomeOnlyOne(what, first.signal, 5));
  let took = false;
  const waiting = becomeOnlyOne(what, second.signal, 5).then((is) => (took = is));
  await sleep(200);
  t.false(took);
  t.true(getEventListeners(second.signal, "abort").length <= 1);
  first.abort();
  await waiting;
  t.true(took);
});

test("who is told to stop while it waits has not become it", async (t) => {
  const what = randomUUID();
  const [first, second] = [new AbortController(), new AbortController()];
  t.teardown(() => first.abort());
  t.true(await becomeOnlyOne(what, first.signal, 5));
  const waiting = becomeOnlyOne(what, second.signal, 5);
  second.abort();
  t.false(await waiting);
});
