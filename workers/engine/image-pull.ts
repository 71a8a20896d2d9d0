import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { BuildError } from "./build-error.ts";
import { reach, readEvents } from "./streams.ts";

export interface PullOptions {
  /** How long nothing may come, ms. */
  firstMs: number;
  signal: AbortSignal;
  onLine(text: string): void;
  /** Registry credentials, as the engine takes them. */
  auth?: object;
}

/** @throws BuildError with the engine's words, the signal's reason, TealError no-engine */
export async function pullImage(docker: Docker, ref: string, options: PullOptions): Promise<void> {
  const slow = new AbortController();
  const timer = setTimeout(
    () => slow.abort(new Error(`no answer within ${options.firstMs} ms`)),
    options.firstMs,
  );
  const signal = AbortSignal.any([options.signal, slow.signal]);
  try {
    const answer = await reach(signal, () =>
      docker.createImage(options.auth ?? {}, { fromImage: ref, abortSignal: signal }),
    );
    const failure = await readEvents(answer as Readable, signal, (event) => {
      clearTimeout(timer);
      if (typeof event.status === "string" && !event.progress) options.onLine(event.status);
    });
    if (failure !== null) throw new BuildError(failure, null);
  } finally {
    clearTimeout(timer);
  }
}
