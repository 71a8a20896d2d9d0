import test from "ava";
import protobuf from "protobufjs";
import { createRawProgress } from "../../../../workers/engine/raw-progress.ts";

const { root } = protobuf.parse(`syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Transfer statuses = 2; repeated Log logs = 3; }
message Vertex { string digest = 1; string name = 3; bool cached = 4; Time started = 5; Time completed = 6; string error = 7; }
message Transfer { string ID = 1; string vertex = 2; int64 current = 4; int64 total = 5; Time completed = 8; }
message Log { string vertex = 1; Time timestamp = 2; bytes msg = 4; }
message Time { int64 seconds = 1; int32 nanos = 2; }`);
const Status = root.lookupType("Status");

const at = (seconds: number) => ({
  seconds: Math.floor(seconds),
  nanos: Math.round((seconds % 1) * 1e9),
});

function linesOf(...statuses: object[]): string[] {
  const lines: string[] = [];
  const raw = createRawProgress((line) => lines.push(line));
  for (const status of statuses)
    raw.add(Buffer.from(Status.encode(Status.fromObject(status)).finish()).toString("base64"));
  return lines;
}

test("every step has a number, its whole name, its output with the seconds, and its end", (t) => {
  const name = "[2/2] RUN --mount=type=cache,id=x npm ci";
  t.deepEqual(
    linesOf(
      {
        vertexes: [
          { digest: "a", name: "[internal] load metadata", started: at(1), completed: at(1.5) },
          {
            digest: "b",
            name: "[1/2] FROM docker.io/x",
            cached: true,
            started: at(2),
            completed: at(2),
          },
          { digest: "c", name },
        ],
      },
      { vertexes: [{ digest: "c", name, started: at(3) }] },
      { logs: [{ vertex: "c", timestamp: at(3.25), msg: Buffer.from("one\ntw") }] },
      { logs: [{ vertex: "c", timestamp: at(3.5), msg: Buffer.from("o\n\u001b[31mthree") }] },
      { vertexes: [{ digest: "c", name, started: at(3), completed: at(4.04) }] },
    ),
    [
      "#1 [internal] load metadata",
      "#2 [1/2] FROM docker.io/x",
      "#1 DONE 0.5s",
      "#2 CACHED",
      `#3 ${name}`,
      "#3 0.250 one",
      "#3 0.500 two",
      "#3 1.040 three",
      "#3 DONE 1.0s",
    ],
  );
});

test("transfers are said when they are done, and an error is the last of its step", (t) => {
  const vertex = { digest: "a", name: "[1/1] FROM\nx", started: at(1) };
  t.deepEqual(
    linesOf(
      { vertexes: [vertex], statuses: [{ ID: "sha256:1", vertex: "a", current: 5, total: 9 }] },
      { statuses: [{ ID: "sha256:1", vertex: "a", current: 9, total: 9, completed: at(2) }] },
      { vertexes: [{ ...vertex, completed: at(2), error: "no\u001b[2J such\nimage" }] },
    ),
    ["#1 [1/1] FROM x", "#1 sha256:1 9 / 9 bytes done", "#1 ERROR: no such image"],
  );
});
