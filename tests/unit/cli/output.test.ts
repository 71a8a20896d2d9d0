import test from "ava";
import { ago, createOutput, duration } from "../../../apps/cli/output.ts";

function terminal(columns: number | undefined, env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const stream = {
    write: (text: string) => lines.push(text),
    isTTY: columns !== undefined,
    ...(columns && { columns }),
  };
  return { out: createOutput(false, env, stream, stream), text: () => lines.join("") };
}

const ROWS = [
  [
    "v12",
    { text: "live", paint: "blue" as const },
    "a reason that is rather long for any narrow terminal",
  ],
];

test("a table fits the terminal: the flexible column is cut, no line is wider", (t) => {
  for (const columns of [30, 40, 60]) {
    const { out, text } = terminal(columns, { NO_COLOR: "1" });
    out.table(["RELEASE", "STATUS", "WHY"], ROWS);
    for (const line of text().split("\n")) t.true(line.length <= columns, line);
    t.true(text().includes("…"));
  }
});

test("a table that goes into a pipe is cut nowhere and has no colours", (t) => {
  const { out, text } = terminal(undefined);
  out.table(["RELEASE", "STATUS", "WHY"], ROWS);
  t.true(text().includes("any narrow terminal"));
  t.false(text().includes("\u001b"));
});

test("colours are for terminals, and off with NO_COLOR or a dumb one", (t) => {
  const painted = (env: NodeJS.ProcessEnv) => terminal(80, env).out.paint("x", "green");
  t.is(painted({}), "\u001b[32mx\u001b[0m");
  t.is(painted({ NO_COLOR: "1" }), "x");
  t.is(painted({ TERM: "dumb" }), "x");
});

test("what an app wrote can colour its text and nothing else", (t) => {
  const { out } = terminal(80);
  const hostile = "\u001b]0;title\u0007\u001b[2J\u001b[31mred\u001b[0m\rover\u009b1A\u202e";
  const shown = out.foreign(hostile);
  t.true(shown.includes("\u001b[31mred"));
  t.notRegex(shown, /\u001b(?!\[[\d;]*m)|[\u0007\r\u009b\u202e]/);
  t.notRegex(terminal(undefined).out.foreign(hostile), /[\u001b\u0007\r\u009b]/);
});

test("ages and durations are said in the unit that fits", (t) => {
  const now = 1_000_000_000_000;
  const ages = [1, 30, 300, 7200, 500_000].map((seconds) => ago(now - seconds * 1000, now));
  t.deepEqual(ages, ["just now", "30 s ago", "5 min ago", "2 h ago", "5 d ago"]);
  t.deepEqual([38, 4200, 185_000].map(duration), ["38 ms", "4.2 s", "3 min 5 s"]);
});
