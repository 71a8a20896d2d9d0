import test from "ava";
import { createTapReader } from "../../../apps/cli/platform/tap.ts";

function read(text: string) {
  const told: string[] = [];
  const reader = createTapReader((title, ok) => told.push(`${ok ? "+" : "-"} ${title}`));
  for (const line of text.split("\n")) reader.line(line);
  return { ...reader.summary(), told };
}

test("passed, failed and skipped tests are told apart", (t) => {
  const { passed, skipped, failures, planned, told } = read(`TAP version 13
ok 1 - a › adds up
not ok 2 - a › falls down
  ---
    name: AssertionError
    at: 'x.ts:1'
  ...
---tty-stream-chunk-separator
# a › console
ok 3 - a › later # SKIP
not ok 4 - a › planned # TODO
ok 5 - ok 7 - a title like a result

1..4
# tests 4
# pass 2
# fail 2`);
  t.is(passed, 2);
  t.is(skipped, 2);
  t.is(planned, 4);
  t.deepEqual(
    failures.map(({ title }) => title),
    ["a › falls down"],
  );
  t.deepEqual(failures[0]?.lines, [
    "  ---",
    "    name: AssertionError",
    "    at: 'x.ts:1'",
    "  ...",
  ]);
  t.deepEqual(told, ["+ a › adds up", "- a › falls down", "+ ok 7 - a title like a result"]);
});

test("what a test prints is not taken for a result", (t) => {
  const { passed, failures } = read(
    "okay then\nnot okay\nnote ok 1\n# ok 2 - comment\n  ok 3 - indented",
  );
  t.is(passed, 0);
  t.is(failures.length, 0);
});

test("a stream that ends early has no plan", (t) => {
  t.is(read("TAP version 13\nok 1 - a").planned, null);
});
