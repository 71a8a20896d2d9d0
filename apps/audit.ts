import type { Redis } from "ioredis";
import type { Identity, Via } from "./access.ts";
import { createBell, newsOr } from "./bell.ts";
import { TealError } from "./errors.ts";
import { inTime } from "./in-time.ts";
import { channels, keys } from "./keys.ts";
import type { Log } from "./log.ts";
import { asking, createScripts } from "./store-scripts.ts";
import { APP_NAME } from "./types.ts";

/** One thing that somebody did or was refused: the record of who did what, when, from where. */
export interface AuditEvent {
  /** Grows from event to event; what `after` and `before` take. */
  id: string;
  at: number;
  /** Name of the token, key or sender; null when nobody proved who they were. */
  who: string | null;
  /** Name of the user's token or key. */
  with?: string;
  over: Via["over"];
  address: string | null;
  /** In the words of the command line where it has any: `rollback`, `config:set`. */
  action: string;
  app: string | null;
  outcome: "done" | "refused" | "failed";
  /** Why not: a code of apps/errors.ts. */
  error?: string;
  /** What about, by name; never a value that might be secret. */
  detail?: Record<string, string>;
  deploy?: string;
}

type Doing = Pick<AuditEvent, "action"> &
  Partial<Pick<AuditEvent, "app" | "outcome" | "error" | "detail" | "deploy">>;

interface Span {
  /** One app's events; all that there are without it. */
  app?: string;
  /** Only those that this one says yes to. */
  readable?: (event: AuditEvent) => boolean;
}

export interface Audit {
  /** Writes an event. Never throws: what was done is done; a store that is away is logged. */
  record(who: Pick<Identity, "name" | "with"> | null, via: Via, doing: Doing): Promise<void>;
  /** At most `limit` events, newest first, from the first older than `before`. @throws store-unavailable */
  list(span: Span & { before?: string; limit: number }): Promise<AuditEvent[]>;
  /** Events as they come, from the first after `after` (else from now on), until `signal` or `close`. */
  follow(span: Span & { after?: string; signal: AbortSignal }): AsyncGenerator<AuditEvent>;
  /** Ends all that follow. */
  close(): void;
}

/** Events kept: in number on the platform and per app, and in ms. */
const KEEP = { platform: 10_000, app: 1000, ms: 90 * 24 * 3600 * 1000 };
/** What strangers are refused is noted once in so many ms per address and action, */
const REPEAT_MS = 60_000;
/** and so often at most in that time: they may not push out what others did. */
const STRANGERS = 60;
/** Who comes by SSH again and again, as a script does, is noted once an hour per address. */
const ARRIVALS_MS = 3_600_000;
const ARRIVALS = 1000;
const BATCH = 500;
const POLL_MS = 1000;
/** A store that takes longer than this has its event logged. ms */
const PATIENCE_MS = 500;
const late = () => new Error("the store took too long");
const DETAILS = 12;
const LENGTH = 200;

/** The audit log: one stream of the platform, one per app. The caller owns `redis`; `close` ends what was opened beside it. */
export function createAudit(redis: Redis, log: Pick<Log, "warn">): Audit {
  const { run } = createScripts(redis);
  const bell = createBell(redis, channels.events);
  const closing = new AbortController();
  const isNew = {
    stranger: createNews(REPEAT_MS, STRANGERS),
    arrival: createNews(ARRIVALS_MS, ARRIVALS),
  };

  function isWorthIt(who: string | null, { over, address }: Via, action: string): boolean {
    if (who === null) return isNew.stranger(`${over} ${address} ${action}`);
    return over !== "ssh" || action !== "sign-in" || isNew.arrival(`${address} ${who}`);
  }

  async function write(event: Omit<AuditEvent, "id">): Promise<void> {
    const oldest = event.at - KEEP.ms;
    const { platform, app } = KEEP;
    await run("append-event", event.app ?? "*", platform, app, oldest, JSON.stringify(event));
  }

  const rows = async (key: string, ask: () => Promise<[string, string[]][]>) =>
    (await asking(ask)).map(([id, [, json = "{}"]]) => ({ id, ...JSON.parse(json) }) as AuditEvent);

  async function* list({ app, before }: Span & { before?: string }): AsyncGenerator<AuditEvent> {
    const key = app === undefined ? keys.events : keys.appEvents(app);
    let last = before;
    for (;;) {
      const from = last === undefined ? "+" : `(${eventId(last)}`;
      const found = await rows(key, () => redis.xrevrange(key, from, "-", "COUNT", BATCH));
      yield* found;
      if (found.length < BATCH) return;
      last = found.at(-1)?.id;
    }
  }

  async function* follow(wish: Parameters<Audit["follow"]>[0]): AsyncGenerator<AuditEvent> {
    const { app, readable = () => true, signal } = wish;
    const key = app === undefined ? keys.events : keys.appEvents(app);
    const ended = AbortSignal.any([signal, closing.signal]);
    const visit = bell.listen("*");
    try {
      let last = wish.after ?? (await newest(key));
      eventId(last);
      while (!ended.aborted) {
        const news = visit.next();
        const found = await rows(key, () => redis.xrange(key, `(${last}`, "+", "COUNT", BATCH));
        for (const event of found) {
          if (ended.aborted) return;
          last = event.id;
          if (readable(event)) yield event;
        }
        if (found.length === 0) await newsOr(news, POLL_MS, ended);
      }
    } finally {
      visit.end();
    }
  }

  async function newest(key: string): Promise<string> {
    const [row] = await asking(() => redis.xrevrange(key, "+", "-", "COUNT", 1));
    return row?.[0] ?? "0-0";
  }

  return {
    async record(who, via, { action, app = null, outcome = "done", detail, ...rest }) {
      if (!isWorthIt(who && who.name, via, action)) return;
      const event = {
        at: Date.now(),
        who: who && oneLine(who.name),
        ...(who?.with !== undefined && { with: oneLine(who.with) }),
        ...{ over: via.over, address: via.address, action: oneLine(action) },
        app: app !== null && APP_NAME.test(app) ? app : null,
        outcome,
        ...(detail && Object.keys(detail).length > 0 && { detail: plain(detail) }),
        ...rest,
      };
      await inTime(write(event), PATIENCE_MS, late).catch((error: Error) => {
        log.warn({ event, error: error.message }, "an event was not noted");
      });
    },
    async list({ limit, readable = () => true, ...span }) {
      const found: AuditEvent[] = [];
      for await (const event of list(span)) {
        if (readable(event)) found.push(event);
        if (found.length >= limit) break;
      }
      return found;
    },
    follow,
    close() {
      closing.abort();
      bell.close();
    },
  };
}

/** Whether an id may be one of an event. */
export function isEventId(id: string): boolean {
  return /^\d{1,15}-\d{1,15}$/.test(id);
}

function eventId(id: string): string {
  if (isEventId(id)) return id;
  throw new TealError("bad-request", { detail: "the id to go on from is not one of an event" });
}

/** Says yes to what it was not asked about for `ms`, as long as there is room. */
function createNews(ms: number, room: number): (what: string) => boolean {
  const seen = new Map<string, number>();
  return (what) => {
    const now = Date.now();
    for (const [one, at] of seen) if (at <= now - ms) seen.delete(one);
    if (seen.has(what) || seen.size >= room) return false;
    seen.set(what, now);
    return true;
  };
}

function plain(detail: Record<string, string>): Record<string, string> {
  const some = Object.entries(detail).slice(0, DETAILS);
  return Object.fromEntries(some.map(([name, value]) => [oneLine(name), oneLine(value)]));
}

/** Fit to print on one line; what looks like a token of ours is not repeated. */
function oneLine(text: string): string {
  return text
    .slice(0, 4 * LENGTH)
    .replaceAll(/teal_[\w-]{20,}/g, "teal_…")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, LENGTH);
}
