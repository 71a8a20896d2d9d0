import { createHash } from "node:crypto";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerEvent } from "../event-stream.ts";
import type { News } from "../news.ts";
import type { Html, Part } from "./html.ts";

/** An event, and where to go on after it. */
export interface FeedEvent {
  event: string;
  data: unknown;
  cursor: string;
}

/**
 * What a page's stream carries besides others: it says what has come after `cursor` (all, when there
 * is none), then what comes, until the signal.
 */
export type Feed = (
  cursor: string | undefined,
  signal: AbortSignal,
) => AsyncGenerator<FeedEvent, void>;

const CURSOR = /^[\w.-]{0,4000}$/;
/** Changes that come together are shown together, ms. */
const GATHER = 60;
/** A page that changes all the time is sent so often, ms. */
const AT_MOST_EVERY = 400;

/** Several feeds as one stream. An event's id holds the place in each, so that a client that comes back misses nothing. */
export async function* mergeFeeds(
  feeds: readonly Feed[],
  lastEventId: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const given = lastEventId.split("~");
  const known = given.length === feeds.length && given.every((one) => CURSOR.test(one));
  const cursors = feeds.map((_, i) => (known ? (given[i] ?? "") : ""));
  const ended = new AbortController();
  const merged = new PassThrough({ objectMode: true, highWaterMark: 16 });
  const pump = async (feed: Feed, i: number) => {
    const both = AbortSignal.any([signal, ended.signal]);
    for await (const { event, data, cursor } of feed(cursors[i] || undefined, both)) {
      cursors[i] = cursor;
      const sent = { id: cursors.join("~"), event, data };
      if (!merged.write(sent)) await Promise.race([once(merged, "drain"), once(merged, "close")]);
      if (merged.destroyed) return;
    }
  };
  void Promise.all(feeds.map(pump)).then(
    () => merged.end(),
    (error: Error) => merged.destroy(error),
  );
  try {
    yield* merged as AsyncIterable<ServerEvent>;
  } finally {
    ended.abort();
  }
}

/**
 * A page's parts: those that differ from what the client has, whenever there is news.
 * `reload` when it has other parts than it would get now.
 */
export function partsFeed(
  show: () => Promise<Html>,
  listen: (signal: AbortSignal) => ReturnType<News["listen"]>,
): Feed {
  return async function* (cursor, signal) {
    const visit = listen(signal);
    let has = cursor;
    try {
      while (!signal.aborted) {
        const news = visit.next();
        const parts = (await show()).parts ?? [];
        if (parts.length === 0) return;
        const now = stateOf(parts);
        if (has !== undefined && has !== now) {
          const event = difference(parts, has);
          yield { ...event, cursor: now };
          if (event.event === "reload") return;
        }
        has = now;
        await news;
        await sleep(GATHER, undefined, { signal }).catch(() => {});
        const rest = sleep(AT_MOST_EVERY - GATHER, undefined, { signal }).catch(() => {});
        await rest;
      }
    } finally {
      visit.end();
    }
  };
}

function difference(parts: readonly Part[], has: string): { event: string; data: unknown } {
  const [names, ...digests] = has.split(".");
  if (names !== namesOf(parts)) return { event: "reload", data: null };
  const changed = parts.filter(({ markup }, i) => digestOf(timeless(markup)) !== digests[i]);
  return { event: "parts", data: changed.map(({ id, markup }) => ({ id, markup })) };
}

/** What a page's parts look like, as a cursor of `partsFeed`. */
export function stateOf(parts: readonly Part[]): string {
  return [namesOf(parts), ...parts.map(({ markup }) => digestOf(timeless(markup)))].join(".");
}

function namesOf(parts: readonly Part[]): string {
  return digestOf(parts.map(({ id }) => id).join(" "));
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 8);
}

/** How long ago something was is the page's own business. */
function timeless(markup: string): string {
  return markup.replaceAll(/(<time [^>]*>)[^<]*/g, "$1");
}
