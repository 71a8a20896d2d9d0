import test from "ava";
import { remoteLines } from "../../../hooks/remote-lines.ts";

test("each kind of line has its mark", (t) => {
  t.deepEqual(remoteLines("step", "Building"), ["-----> Building"]);
  t.deepEqual(remoteLines("info", "a\nb"), ["       a", "       b"]);
  t.deepEqual(remoteLines("output", "x  "), ["       x"]);
  t.deepEqual(remoteLines("warn", "careful"), [" !     careful"]);
  t.deepEqual(remoteLines("error", "no"), [" !     no"]);
});

test("no line commands a terminal or leaves its line", (t) => {
  const hostile =
    "a\u001b[31mred\u001b[0m\u001b]8;;http://evil\u0007link\u001b]8;;\u0007\rover\u001b[2J\u0008\u009b1mb\u202e";
  const [line, ...more] = remoteLines("output", hostile);
  t.deepEqual(more, []);
  t.notRegex(line!, /[\u0000-\u001f\u007f-\u009f\u202e]/);
  t.regex(line!, /^ {7}aredlinkover/);
});
