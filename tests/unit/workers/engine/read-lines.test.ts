import { PassThrough } from "node:stream";
import test from "ava";
import { readLines } from "../../../../workers/engine/read-lines.ts";

function frame(output: 1 | 2, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = output;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
}

test("lines of both outputs come whole, however they were cut", async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const read = readLines(stream, (line) => lines.push(line));
  const cafe = Buffer.from("café\n");
  stream.write(frame(1, Buffer.from("half a")));
  stream.write(frame(2, Buffer.from("error\n")));
  stream.write(frame(1, Buffer.from(" line\n")));
  // Within the two bytes of the é, in one frame and the next.
  stream.write(Buffer.concat([frame(1, cafe.subarray(0, 4)), frame(2, Buffer.from("last"))]));
  stream.write(frame(1, cafe.subarray(4)));
  stream.end();
  await read;
  t.deepEqual(lines, ["error", "half a line", "café", "last"]);
});

test("of a line that never ends its last part is kept, and a broken stream is an end", async (t) => {
  const stream = new PassThrough();
  stream.on("error", () => {});
  const lines: string[] = [];
  const read = readLines(stream, (line) => lines.push(line));
  for (let i = 0; i < 100; i++) stream.write(frame(1, Buffer.alloc(1000, "x")));
  stream.write(frame(1, Buffer.from("end")));
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy(new Error("cut"));
  await read;
  t.is(lines.length, 1);
  t.true((lines[0]?.length ?? 0) <= 4003);
  t.true(lines[0]?.endsWith("xend"));
});
