import test from "ava";
import { createOutput } from "../../../workers/build-output.ts";
import { printableLines } from "../../../workers/engine/printable.ts";

test("output is passed on until there is too much, and that is said once", (t) => {
  const got: string[] = [];
  const output = createOutput((line) => got.push(line), { lines: 3, characters: 1000 });
  for (let i = 1; i <= 10; i++) output.line(`line ${i}`);
  t.deepEqual(got.slice(0, 3), ["line 1", "line 2", "line 3"]);
  t.is(got.length, 4);
  t.regex(got[3] ?? "", /more than 3 lines .* left out/);
});

test("few lines that are huge are too much as well", (t) => {
  const got: string[] = [];
  const output = createOutput((line) => got.push(line), { lines: 100, characters: 50 });
  for (let i = 0; i < 10; i++) output.line("x".repeat(20));
  t.is(got.length, 3);
});

for (const [what, text, lines] of [
  ["colours", "\u001b[1;31mred\u001b[0m", ["red"]],
  ["links", "\u001b]8;;http://evil.example\u0007here\u001b]8;;\u001b\\", ["here"]],
  ["window titles", "\u001b]0;owned\u0007a", ["a"]],
  ["an escape without an end", "a\u001b]0;never", ["a"]],
  ["movements of the cursor", "a\u001b[2K\u001b[1Ab", ["ab"]],
  ["one-byte control sequences", "a\u009b31mb", ["ab"]],
  ["a progress bar", "10%\r50%\r100%\r\ndone\n", ["10%", "50%", "100%", "done"]],
  ["bells and zeros", "a\u0007b\u0000c", ["abc"]],
  ["tabs, which stay", "a\tb", ["a\tb"]],
  ["line separators", "a\u2028b", ["ab"]],
  ["blank lines", "\n\n  \na\n", ["a"]],
] as const) {
  test(`foreign output is made printable: ${what}`, (t) => {
    t.deepEqual(printableLines(text), [...lines]);
  });
}

test("a line without an end is cut", (t) => {
  t.true((printableLines("x".repeat(1e6))[0] ?? "").length < 3000);
});
