import type { Readable } from "node:stream";
import { TealError } from "../../apps/errors.ts";

/** Of what the engine says, characters that are passed on. */
const MOST_WORDS = 300;

interface EngineEvent {
  id?: string;
  aux?: unknown;
  error?: string;
  status?: string;
  progress?: string;
}

/** Reads an answer of JSON lines to its end. Gives the engine's error, or null. */
export async function readEvents(
  answer: Readable,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<string | null> {
  let failure: string | null = null;
  const take = (line: string): void => {
    if (line.trim() === "") return;
    const event = JSON.parse(line) as EngineEvent;
    if (event.error) failure = event.error;
    else onEvent(event);
  };
  await reach(signal, async () => {
    let rest = "";
    for await (const chunk of answer.setEncoding("utf8")) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(take);
    }
    take(rest);
  });
  signal.throwIfAborted();
  return failure;
}

/** Errors of the connection become `no-engine`; an aborted signal's reason comes before all. */
export async function reach<T>(signal: AbortSignal | null, act: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await act();
  } catch (error) {
    signal?.throwIfAborted();
    throw engineError(error);
  }
}

/** no-engine for an engine that is away; any other error as it is. */
export function engineError(error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const gone = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EACCES", "EPIPE"].includes(code ?? "");
  return gone
    ? new TealError("no-engine", { detail: message }, { cause: error })
    : (error as Error);
}

/** What an error of the engine or of a registry says, without the client's words around it. */
export function engineWords(text: string): string {
  return text
    .replace(/^\(HTTP code \d+\) [a-z ]+ - /, "")
    .trim()
    .replace(/\.$/, "")
    .slice(0, MOST_WORDS);
}

/** What broke the source says more than what that did to the connection. Whatever happens, the source is closed. */
export async function withSource<T>(source: Readable, act: () => Promise<T>): Promise<T> {
  let broken: Error | null = null;
  source.once("error", (error: Error) => (broken = error));
  try {
    return await act();
  } catch (error) {
    throw broken ?? error;
  } finally {
    source.on("error", () => {});
    source.destroy();
  }
}
