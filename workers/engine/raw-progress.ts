import { decodeStatus, type StatusMessage, type Time, type Vertex } from "./buildkit.ts";
import { printableLines } from "./printable.ts";

interface RawStep {
  number: number;
  /** Its name was printed. */
  named: boolean;
  ended: boolean;
  startedAt: number;
  /** Output after the last end of line. */
  rest: string;
}

/**
 * Turns a BuildKit trace into all that it says, in the form of `docker build --progress=plain`: every
 * step by its number and whole name, the builder's own among them, output with its seconds, transfers.
 */
export function createRawProgress(onLine: (text: string) => void): { add(message: string): void } {
  const steps = new Map<string, RawStep>();

  const stepOf = (digest: string): RawStep => {
    const known = steps.get(digest);
    if (known) return known;
    const number = steps.size + 1;
    const step = { number, named: false, ended: false, startedAt: 0, rest: "" };
    steps.set(digest, step);
    return step;
  };

  const begin = (vertex: Vertex): void => {
    const step = stepOf(vertex.digest);
    if (vertex.started) step.startedAt = secondsOf(vertex.started);
    if (step.named || !(vertex.started || vertex.cached || vertex.error)) return;
    step.named = true;
    const [name = ""] = printableLines(vertex.name.replaceAll("\n", " "));
    onLine(`#${step.number} ${name}`);
  };

  const end = (vertex: Vertex): void => {
    const step = stepOf(vertex.digest);
    if (!vertex.completed || step.ended) return;
    step.ended = true;
    print(step, secondsOf(vertex.completed), step.rest);
    onLine(`#${step.number} ${outcome(vertex)}`);
  };

  const print = (step: RawStep, at: number, text: string): void => {
    const after = Math.max(at - step.startedAt, 0).toFixed(3);
    for (const line of printableLines(text)) onLine(`#${step.number} ${after} ${line}`);
  };

  const output = ({ vertex, timestamp, msg }: StatusMessage["logs"][number]): void => {
    const step = stepOf(vertex);
    const text = step.rest + msg.toString("utf8");
    const whole = text.lastIndexOf("\n") + 1;
    step.rest = text.slice(whole);
    print(step, timestamp ? secondsOf(timestamp) : step.startedAt, text.slice(0, whole));
  };

  return {
    add(message) {
      const { vertexes, statuses, logs } = decodeStatus(message);
      vertexes.forEach(begin);
      for (const { ID, vertex, current, total, completed } of statuses) {
        if (!completed) continue;
        const [name = ""] = printableLines(ID);
        const bytes = total > 0 ? ` ${current} / ${total} bytes` : "";
        onLine(`#${stepOf(vertex).number} ${name}${bytes} done`);
      }
      logs.forEach(output);
      vertexes.forEach(end);
    },
  };
}

function secondsOf({ seconds, nanos }: Time): number {
  return seconds + nanos / 1e9;
}

function outcome({ error, cached, started, completed }: Vertex): string {
  if (error) return `ERROR: ${printableLines(error).join(" ")}`;
  if (cached || !started || !completed) return "CACHED";
  return `DONE ${(secondsOf(completed) - secondsOf(started)).toFixed(1)}s`;
}
