import test from "ava";
import { createProgress, duration } from "../../../apps/cli/platform/progress.ts";

function output(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 40, written, write: (text: string) => written.push(text) };
}

test("without a terminal a short step is one plain line", async (t) => {
  const out = output(false);
  const result = await createProgress(out).step("Doing", async () => 7);
  t.is(result, 7);
  t.is(out.written.length, 1);
  t.regex(out.written[0] ?? "", /^✓ Doing \(\d\.\d s\)\n$/);
});

test("a failed step is marked, and its error passed on", async (t) => {
  const out = output(false);
  await t.throwsAsync(
    createProgress(out).step("Doing", async () => {
      throw new Error("no");
    }),
    { message: "no" },
  );
  t.regex(out.written.at(-1) ?? "", /^✗ Doing/);
});

test("on a terminal the line never wraps, and notes cannot move the cursor", async (t) => {
  const out = output(true);
  await createProgress(out).step("Doing", async (note) => {
    note("\u001B[2Jevil\r\n" + "x".repeat(200));
    await new Promise((resolve) => setTimeout(resolve, 700));
  });
  t.true(out.written.length > 1);
  for (const text of out.written) {
    const shown = text.replace("\r\u001B[K", "");
    t.false(shown.includes("\u001B"));
    t.true(shown.replace("\n", "").length < 40);
  }
});

test("durations read as people write them", (t) => {
  t.deepEqual([0.04, 9.9, 12.4, 119.4, 125].map(duration), [
    "0.0 s",
    "9.9 s",
    "12 s",
    "119 s",
    "2 min 5 s",
  ]);
});
