import { PassThrough, type Readable } from "node:stream";
import type { DeployLog } from "./deploy-log.ts";
import type { Store } from "./store.ts";
import { FINAL_STATES } from "./types.ts";

/** One server-sent event; `data` is sent as one line of JSON. */
export interface ServerEvent {
  /** What a reconnecting client sends back as Last-Event-ID. */
  id?: string;
  event: string;
  data: unknown;
}

/** How often a silent stream says that it lives, in ms, */
const HEARTBEAT = 15_000;
/** and how often any asks whether its reader may still read. */
const RECHECK = 2000;

/**
 * The events as a `text/event-stream` body. It ends with the source, when the reader goes away
 * (both stop the source by the signal), or within 2 s of when `allowed` says no.
 */
export function eventStream(
  source: (signal: AbortSignal) => AsyncIterable<ServerEvent>,
  allowed: () => Promise<boolean>,
): Readable {
  const body = new PassThrough();
  const ended = new AbortController();
  const heartbeat = setInterval(() => body.write(":\n\n"), HEARTBEAT);
  const recheck = setInterval(() => {
    // A store that does not answer takes nobody's right away; the source ends by itself then.
    void allowed().then(
      (yes) => yes || ended.abort(),
      () => {},
    );
  }, RECHECK);
  body.once("close", () => ended.abort());
  ended.signal.addEventListener("abort", () => {
    clearInterval(heartbeat);
    clearInterval(recheck);
    body.end();
  });
  body.write("retry: 1000\n\n");
  void pump(source(ended.signal), body).finally(() => ended.abort());
  return body;
}

async function pump(events: AsyncIterable<ServerEvent>, body: PassThrough): Promise<void> {
  try {
    for await (const event of events) {
      if (body.destroyed || body.writableEnded) return;
      if (!body.write(encode(event))) await writable(body);
    }
  } catch {
    // The store went away in mid-stream: the client reconnects where it was.
  }
}

function encode({ id, event, data }: ServerEvent): string {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Resolves when the stream takes more, or is closed. */
function writable(body: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      body.off("drain", done);
      body.off("close", done);
      resolve();
    };
    body.once("drain", done);
    body.once("close", done);
  });
}

/**
 * A deploy's log as events: `line` for each line after `after`, then `end` with the deploy in its
 * final state (null when the app is gone). A stream that stops without `end` was cut; go on with the last id.
 */
export async function* deployEvents(
  { store, deployLog }: { store: Pick<Store, "getDeploy">; deployLog: Pick<DeployLog, "follow"> },
  deploy: string,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const from = after === undefined ? {} : { after };
  for await (const line of deployLog.follow(deploy, { signal, ...from })) {
    yield { id: line.id, event: "line", data: line };
  }
  const ended = await store.getDeploy(deploy);
  const final = ended === null || (FINAL_STATES as readonly string[]).includes(ended.state);
  if (final && !signal.aborted) yield { event: "end", data: ended };
}

/** Whether a client's Last-Event-ID is one of a log line. */
export function isLineId(id: string): boolean {
  return /^\d{1,15}-\d{1,15}$/.test(id);
}
