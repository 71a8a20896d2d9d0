import protobuf from "protobufjs";
import { printableLines } from "./printable.ts";

/** The part of BuildKit's `moby.buildkit.v1.StatusResponse` that is shown to people. */
const { root } = protobuf.parse(`syntax = "proto3";
message Status { repeated Vertex vertexes = 1; repeated Transfer statuses = 2; repeated Log logs = 3; }
message Vertex { string digest = 1; string name = 3; bool cached = 4; Time started = 5; Time completed = 6; string error = 7; }
message Transfer { string ID = 1; string vertex = 2; int64 current = 4; int64 total = 5; Time completed = 8; }
message Log { string vertex = 1; Time timestamp = 2; bytes msg = 4; }
message Time { int64 seconds = 1; int32 nanos = 2; }`);
const Status = root.lookupType("Status");

export interface Time {
  seconds: number;
  nanos: number;
}
export interface Vertex {
  digest: string;
  name: string;
  cached: boolean;
  started?: Time;
  completed?: Time;
  error: string;
}
export interface StatusMessage {
  vertexes: Vertex[];
  /** What is fetched or unpacked, by a step. */
  statuses: { ID: string; vertex: string; current: number; total: number; completed?: Time }[];
  logs: { vertex: string; timestamp?: Time; msg: Buffer }[];
}

interface Step {
  name: string;
  announced: boolean;
  done: boolean;
  error: string;
  /** Output after the last end of line. */
  rest: string;
  last: string[];
}

/** The step that ended a build. */
export interface FailedStep {
  name: string;
  exitCode: number | null;
  error: string;
  /** Its last lines of output. */
  lines: string[];
}

export interface Progress {
  /** Takes one base64 message of a build's trace. */
  add(message: string): void;
  failed(): FailedStep | null;
}

const LAST_LINES = 20;

/** Turns a BuildKit trace into lines: each step with its seconds or `cached`, and what it printed. */
export function createProgress(onLine: (text: string) => void): Progress {
  const steps = new Map<string, Step>();

  const stepOf = (digest: string): Step => {
    const known = steps.get(digest);
    if (known) return known;
    const step: Step = { name: "", announced: false, done: false, error: "", rest: "", last: [] };
    steps.set(digest, step);
    return step;
  };

  const print = (step: Step, text: string): void => {
    for (const line of printableLines(text)) {
      if (!step.announced) onLine(step.name);
      step.announced = true;
      step.last = [...step.last.slice(1 - LAST_LINES), line];
      onLine(`  ${line}`);
    }
  };

  const addVertex = (vertex: Vertex): void => {
    const step = stepOf(vertex.digest);
    step.name ||= stepName(vertex.name);
    step.error ||= vertex.error;
    if (!vertex.completed || step.done) return;
    step.done = true;
    print(step, step.rest);
    if (isShown(vertex.name)) onLine(`${step.name}: ${outcome(vertex)}`);
  };

  return {
    add: (message) => {
      const status = decodeStatus(message);
      // A step's output comes before its end, also when both are in one message.
      for (const { digest, name } of status.vertexes) stepOf(digest).name ||= stepName(name);
      for (const { vertex, msg } of status.logs) {
        const step = stepOf(vertex);
        const text = step.rest + msg.toString("utf8");
        const end = text.lastIndexOf("\n") + 1;
        step.rest = text.slice(end);
        print(step, text.slice(0, end));
      }
      status.vertexes.forEach(addVertex);
    },
    failed: () => {
      const step = [...steps.values()].find(
        ({ error }) => error !== "" && !/context canceled/.test(error),
      );
      if (!step) return null;
      const code = /exit code: (\d+)/.exec(step.error)?.[1];
      return {
        name: step.name,
        exitCode: code ? Number(code) : null,
        error: step.error,
        lines: step.last,
      };
    },
  };
}

/** One base64 message of a build's trace. */
export function decodeStatus(base64: string): StatusMessage {
  const message = Status.decode(Buffer.from(base64, "base64"));
  return Status.toObject(message, { longs: Number, arrays: true, defaults: true }) as StatusMessage;
}

/** The builder's own bookkeeping is of no use to a reader. */
function isShown(name: string): boolean {
  return (
    !name.startsWith("[internal]") &&
    !/^(exporting|writing image|naming to|resolve image|copy \/context)/.test(name)
  );
}

/** `[build 3/5] RUN --mount=… VAR=… npm ci` becomes `[build 3/5] RUN npm ci`. */
function stepName(name: string): string {
  const [line = ""] = printableLines(name.replaceAll("\n", " "));
  return line
    .replace("[stage-0 ", "[")
    .replace(" docker.io/", " ")
    .replace(/: [0-9a-f]{16} && \. \S+ && /, "")
    .replaceAll(/(?:--mount|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)=\S+ /g, "");
}

function outcome(vertex: Vertex): string {
  if (vertex.error) return "failed";
  if (vertex.cached || !vertex.started || !vertex.completed) return "cached";
  const seconds =
    vertex.completed.seconds -
    vertex.started.seconds +
    (vertex.completed.nanos - vertex.started.nanos) / 1e9;
  return `${seconds.toFixed(1)} s`;
}
