import type { Redis } from "ioredis";
import { createBell, newsOr } from "./bell.ts";
import { clean } from "./deploy-log-text.ts";
import { isTealError, TealError } from "./errors.ts";
import { channels, keys } from "./keys.ts";
import { asking, createScripts } from "./store-scripts.ts";
import { FINAL_STATES } from "./types.ts";

export type LogKind = "step" | "info" | "warn" | "error" | "output";

export interface LogLine {
  /** Grows from line to line; what `after` takes. */
  id: string;
  /** ms since the epoch */
  at: number;
  kind: LogKind;
  text: string;
}

export interface DeployLog {
  /**
   * Appends lines in one round trip; a text of several lines becomes several, each made fit to print.
   * @throws TealError store-unavailable
   */
  append(deploy: string, lines: { kind: LogKind; text: string }[]): Promise<void>;
  /** At most `limit` (1000) lines, oldest first, from the first after `after`. @throws TealError bad-request, store-unavailable */
  read(deploy: string, after?: string, limit?: number): Promise<LogLine[]>;
  /**
   * Lines as they come, until the deploy is in a final state (or its record is gone) and all are given,
   * or until `signal` or `close`, which end it quietly.
   * @throws TealError bad-request, store-unavailable when the store is away for longer than PATIENCE polls
   */
  follow(deploy: string, options: { signal: AbortSignal; after?: string }): AsyncIterable<LogLine>;
  /** Ends all that follow. */
  close(): void;
}

/** Lines per deploy; beyond them the build's output is dropped. */
export const MAX_LINES = 20_000;
/** Lines beyond MAX_LINES that the platform itself may still write. */
const ROOM = 1000;
/** Log of a deploy that has no record (any more), s. */
const ORPHAN_TTL_S = 86_400;
const BATCH = 1000;
/** Without a message, ms. */
const POLL_MS = 1000;
const PATIENCE = 30;
const CUT = `log cut: the build wrote more than ${MAX_LINES} lines`;

/** The logs of deploys: a Redis stream each. The caller owns `redis`; `close` ends what was opened beside it. */
export function createDeployLog(redis: Redis): DeployLog {
  const { run } = createScripts(redis);
  const bell = createBell(redis, channels.deployEvents);
  const closing = new AbortController();

  const read: DeployLog["read"] = async (deploy, after, limit = BATCH) => {
    const from = after === undefined ? "-" : `(${streamId(after)}`;
    const rows = await asking(() =>
      redis.xrange(keys.deployLog(deploy), from, "+", "COUNT", limit),
    );
    return rows.map(([id, fields]) => lineOf(id, fields));
  };

  async function* follow(
    deploy: string,
    { signal, after }: { signal: AbortSignal; after?: string },
  ): AsyncGenerator<LogLine> {
    const ended = AbortSignal.any([signal, closing.signal]);
    const visit = bell.listen(deploy);
    let last = after;
    let failures = 0;
    try {
      while (!ended.aborted) {
        const news = visit.next();
        try {
          // the state first: what was appended before the deploy ended is then among the lines
          const over = await isOver(redis, deploy);
          const lines = await read(deploy, last);
          failures = 0;
          for (const line of lines) {
            if (ended.aborted) return;
            last = line.id;
            yield line;
          }
          if (lines.length > 0) continue;
          if (over) return;
        } catch (error) {
          failures += 1;
          if (!isTealError(error, "store-unavailable") || failures > PATIENCE) throw error;
        }
        await newsOr(news, POLL_MS, ended);
      }
    } finally {
      visit.end();
    }
  }

  return {
    async append(deploy, lines) {
      const fit = lines.flatMap(({ kind, text }) => clean(text).map((line) => [kind, line]));
      for (let i = 0; i < fit.length; i += BATCH) {
        const some = fit.slice(i, i + BATCH).flat();
        await run(
          "append-log",
          "*",
          deploy,
          MAX_LINES,
          ROOM,
          Date.now(),
          CUT,
          ORPHAN_TTL_S,
          ...some,
        );
      }
    },
    read,
    follow,
    close() {
      closing.abort();
      bell.close();
    },
  };
}

async function isOver(redis: Redis, deploy: string): Promise<boolean> {
  const state = await asking(() => redis.hget(keys.deploy(deploy), "state"));
  return state === null || (FINAL_STATES as readonly string[]).includes(state);
}

function streamId(text: string): string {
  if (/^\d{1,16}-\d{1,16}$/.test(text)) return text;
  throw new TealError("bad-request", {
    detail: `a log line's id such as 1700000000000-0 was expected, not ${text}`,
  });
}

function lineOf(id: string, fields: string[]): LogLine {
  // written as: at, AT, kind, KIND, text, TEXT
  const [, at, , kind, , text] = fields as [string, string, string, LogKind, string, string];
  return { id, at: Number(at), kind, text };
}
