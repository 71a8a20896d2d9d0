import test from "ava";
import protobuf from "protobufjs";
import { createProgress } from "../../../../workers/engine/buildkit.ts";

const { root } = protobuf.parse(`syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Log logs = 3; }
message Vertex { string digest = 1; string name = 3; bool cached = 4; Time started = 5; Time completed = 6; string error = 7; }
message Log { string vertex = 1; bytes msg = 4; }
message Time { int64 seconds = 1; int32 nanos = 2; }`);
const Status = root.lookupType("Status");

function message(status: object): string {
  return Buffer.from(Status.encode(Status.fromObject(status)).finish()).toString("base64");
}

const at = (seconds: number) => ({
  seconds: Math.floor(seconds),
  nanos: Math.round((seconds % 1) * 1e9),
});
const log = (vertex: string, text: string) => ({ vertex, msg: Buffer.from(text) });

test("each step is a line with its seconds or that it was cached; the builder's own steps are not", (t) => {
  const lines: string[] = [];
  const progress = createProgress((line) => lines.push(line));
  progress.add("");
  progress.add(
    message({
      vertexes: [
        { digest: "a", name: "[internal] load metadata", started: at(1), completed: at(2) },
        {
          digest: "b",
          name: "[stage-0 1/2] FROM docker.io/teal/base/node:24",
          cached: true,
          started: at(2),
          completed: at(2),
        },
        {
          digest: "c",
          name: "[stage-0 2/2] RUN --mount=type=cache,id=x NODE_EXTRA_CA_CERTS=/x npm ci",
          started: at(2.75),
        },
      ],
    }),
  );
  progress.add(
    message({
      vertexes: [
        {
          digest: "c",
          name: "[stage-0 2/2] RUN --mount=type=cache,id=x npm ci",
          started: at(2.75),
          completed: at(5),
        },
      ],
    }),
  );
  t.deepEqual(lines, ["[1/2] FROM teal/base/node:24: cached", "[2/2] RUN npm ci: 2.3 s"]);
  t.is(progress.failed(), null);
});

test("a step's output stands under its name, in whole lines, also when it comes in pieces", (t) => {
  const lines: string[] = [];
  const progress = createProgress((line) => lines.push(line));
  const name = "[2/3] RUN make";
  progress.add(
    message({ vertexes: [{ digest: "c", name, started: at(1) }], logs: [log("c", "one\ntw")] }),
  );
  progress.add(message({ logs: [log("c", "o\n\u001b[31mthree")] }));
  progress.add(message({ vertexes: [{ digest: "c", name, started: at(1), completed: at(2) }] }));
  t.deepEqual(lines, ["[2/3] RUN make", "  one", "  two", "  three", "[2/3] RUN make: 1.0 s"]);
});

test("the step that failed is told with its exit code and last lines, not those that it took down", (t) => {
  const progress = createProgress(() => {});
  progress.add(
    message({
      vertexes: [
        {
          digest: "x",
          name: "[b 2/2] RUN sleep",
          started: at(1),
          completed: at(2),
          error: "context canceled",
        },
        {
          digest: "c",
          name: "[2/3] RUN make",
          started: at(1),
          completed: at(2),
          error: "executor failed running [/bin/sh -c make]: exit code: 2",
        },
      ],
      logs: [log("c", `${Array.from({ length: 50 }, (_, i) => i).join("\n")}\n`)],
    }),
  );
  const failed = progress.failed();
  t.is(failed?.name, "[2/3] RUN make");
  t.is(failed?.exitCode, 2);
  t.is(failed?.lines.length, 20);
  t.is(failed?.lines.at(-1), "49");
});
