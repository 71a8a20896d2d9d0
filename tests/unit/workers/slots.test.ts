import test from "ava";
import { createSlots } from "../../../workers/slots.ts";

const never = new AbortController().signal;

test("no more run at a time than there are slots, and the others come in their order", async (t) => {
  const slots = createSlots(2);
  const began: number[] = [];
  const ends: (() => void)[] = [];
  const task = (n: number) => () => {
    began.push(n);
    return new Promise<number>((resolve) => ends.push(() => resolve(n)));
  };
  const all = [1, 2, 3, 4].map((n) => slots.run(never, task(n)));
  await Promise.resolve();
  t.deepEqual(began, [1, 2]);
  t.true(slots.busy());
  ends.shift()?.();
  t.is(await all[0], 1);
  t.deepEqual(began, [1, 2, 3]);
  for (let end = ends.shift(); end; end = ends.shift()) {
    end();
    // The next one in begins when the last has let go.
    await new Promise(setImmediate);
  }
  t.deepEqual(await Promise.all(all), [1, 2, 3, 4]);
  t.deepEqual(began, [1, 2, 3, 4]);
  t.false(slots.busy());
});

test("one that waits can be called off, and takes no slot then", async (t) => {
  const slots = createSlots(1);
  const first = Promise.withResolvers<void>();
  const running = slots.run(never, () => first.promise);
  const stop = new AbortController();
  const waiting = slots.run(stop.signal, async () => t.fail("it was called off"));
  const behind = slots.run(never, async () => "in");
  stop.abort(new Error("cancelled"));
  await t.throwsAsync(waiting, { message: "cancelled" });
  first.resolve();
  await running;
  t.is(await behind, "in");
  t.false(slots.busy());
});

test("a task that fails lets the next one in; one called off before it began never does", async (t) => {
  const slots = createSlots(1);
  const failing = slots.run(never, () => Promise.reject(new Error("broken")));
  const next = slots.run(never, async () => "in");
  await t.throwsAsync(failing, { message: "broken" });
  t.is(await next, "in");
  await t.throwsAsync(
    slots.run(AbortSignal.abort(new Error("late")), async () => t.fail()),
    { message: "late" },
  );
  t.false(slots.busy());
});
