import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import test from "ava";
import { withMachineLock } from "../../../workers/base-lock.ts";

const never = new AbortController().signal;
const MODULE = new URL("../../../workers/base-lock.ts", import.meta.url).href;

function uniqueName(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}

test("of many at once, one works at a time and all get their turn", async (t) => {
  const name = uniqueName();
  let inside = 0;
  let turns = 0;
  await Promise.all(
    Array.from({ length: 5 }, () =>
      withMachineLock(
        name,
        never,
        () => {},
        async () => {
          inside += 1;
          t.is(inside, 1);
          for (let i = 0; i < 20; i++) await turn();
          inside -= 1;
          turns += 1;
        },
      ),
    ),
  );
  t.is(turns, 5);
});

test("who fails lets the next one in", async (t) => {
  const name = uniqueName();
  await t.throwsAsync(
    withMachineLock(
      name,
      never,
      () => {},
      async () => {
        throw new Error("broken");
      },
    ),
    { message: "broken" },
  );
  t.is(
    await withMachineLock(
      name,
      never,
      () => {},
      async () => "in",
    ),
    "in",
  );
});

test("another process waits, and is let in when the holder is killed", async (t) => {
  const name = uniqueName();
  const script = `const { withMachineLock } = await import(${JSON.stringify(MODULE)});
    await withMachineLock(${JSON.stringify(name)}, new AbortController().signal, () => {}, async () => {
      console.log("held");
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    });`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  let waited = false;
  const entered = withMachineLock(
    name,
    never,
    () => {
      waited = true;
      holder.kill("SIGKILL");
    },
    async () => "in",
  );
  t.is(await entered, "in");
  t.true(waited);
});

test("who waits can be called off", async (t) => {
  const name = uniqueName();
  const stop = new AbortController();
  await withMachineLock(
    name,
    never,
    () => {},
    async () => {
      const waiting = withMachineLock(
        name,
        stop.signal,
        () => stop.abort(),
        async () => t.fail(),
      );
      await t.throwsAsync(waiting, { name: "AbortError" });
    },
  );
});
