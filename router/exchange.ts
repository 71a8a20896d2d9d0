import type { ClientSide } from "./client.ts";
import { data, nothing, over, takeFound } from "./exchange-app.ts";
import { drained, end, expired, gone } from "./exchange-end.ts";
import { connected, more } from "./exchange-request.ts";
import { go, refuse, start } from "./exchange-start.ts";
import { Exchange, type Callers, type ExchangeOptions } from "./exchange-state.ts";
import { createFallback } from "./fallback.ts";
import type { RequestHead } from "./request-head.ts";

/** What a client's connection calls; one per connection, used for one request after the other. */
export interface ClientExchange {
  start(head: RequestHead): void;
  /** There is more input. */
  more(): void;
  /** The client has taken what was written. */
  drained(): void;
  gone(): void;
  expired(): void;
  /** All that was taken of the client's input is out of this process. */
  sent(): boolean;
}

const CALLERS: Callers = {
  applicant: (x) => ({
    host: "",
    gone: () => x.phase !== "admission",
    go: (app) => go(x, app),
    refuse: (status, says, app) => refuse(x, status, says, app),
  }),
  user: (x) => ({
    connected: () => connected(x),
    data: (bytes) => data(x, bytes),
    drained: () => more(x),
    over: (clean) => over(x, clean),
  }),
  fallback: (x) =>
    createFallback(
      { found: (found) => takeFound(x, found), nothing: () => nothing(x) },
      x.options.ended,
    ),
  end,
};

/**
 * One request: admission (`exchange-start.ts`), a target, up to a few attempts (`exchange-fail.ts`),
 * one answer (`exchange-answer.ts`).
 */
export function createExchange(client: ClientSide, options: ExchangeOptions): ClientExchange {
  const x = new Exchange(client, options, CALLERS);
  return {
    start: (head) => start(x, head),
    more: () => more(x),
    drained: () => drained(x),
    gone: () => gone(x),
    expired: () => expired(x),
    sent: () => x.connection !== null && x.connection.socket.writableLength === 0,
  };
}
