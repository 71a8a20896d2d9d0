import type { Socket } from "node:net";
import { answerText, HIGH_WATER, type AnswerTo, type Outlet } from "./answer.ts";
import { readClaims } from "./claims.ts";
import { createExchange } from "./exchange.ts";
import type { ExchangeOptions } from "./exchange-state.ts";
import { CR, LF, MAX_HEAD_BYTES } from "./fields.ts";
import { Lent } from "./lent.ts";
import { letGo } from "./let-go.ts";
import { MISDIRECTED, readRequestHead, type Refusal, type RequestHead } from "./request-head.ts";
import { createHeadMaker } from "./head-maker.ts";
import type { Member } from "./roster.ts";
import type { Trust } from "./trust.ts";

export interface ClientOptions extends ExchangeOptions {
  /** From the first byte of a head to its end. */
  headersMs: number;
  /** Between requests. */
  keepAliveMs: number;
  trust: Trust;
  /** The connection is closed. */
  closed(client: Client): void;
}

/** A client's connection, one request at a time; what is pipelined waits. */
export interface Client extends Member {
  /** To be called now and then: ends what has taken too long. */
  sweep(now: number): void;
  /** Cuts the connection; `idle` only if no request is being worked on. */
  cut(which: "idle" | "any"): void;
}

/** What an exchange sees of its client, or of one stream of an HTTP/2 client. */
export interface ClientSide {
  /** Where the answer goes. */
  readonly socket: Outlet;
  /** The client came by TLS. */
  readonly secure: boolean;
  /** The head that the app gets. `id`: of the request. */
  headFor(head: RequestHead, id: string): string;
  /** Bytes that came and were not taken yet. */
  input(): Buffer | null;
  take(bytes: number): void;
  /** From now on something must happen within `ms`; 0 for no limit. */
  expectWithin(ms: number): void;
  /** Answers the request at hand with a sentence. */
  answer(status: number, says: string, to: AnswerTo): void;
  /** Passes informational answers on: one or more heads, as HTTP/1.1 writes them. */
  inform(answers: string): void;
  /** The answer is complete. `trailers`: lines of those that are not in its framing. */
  done(keep: boolean, trailers: string): void;
  cut(): void;
}

const INPUT_LIMIT = 65_536;
const LINGER_MS = 2000;

/** @param servername of a TLS connection: the one host that it was opened for; null for a plain one */
export function createClient(
  socket: Socket,
  options: ClientOptions,
  servername: string | null = null,
): Client {
  const { clock } = options;
  const secure = servername !== null;
  let input: Buffer | null = null;
  const lent = new Lent();
  let paused = false;
  /** A request is being worked on. */
  let busy = false;
  let inHead = false;
  /** Bytes of the head at hand that were looked at. */
  let seen = 0;
  /** The request at hand asks for another protocol. */
  let switches = false;
  /** Nothing is read from the client any more, only thrown away. */
  let over = false;
  let running = false;
  let deadline = clock.now() + options.keepAliveMs;
  const source = options.trust.sourceOf(socket);
  const self: Client = { place: -1, sweep, cut };
  const exchange = createExchange(
    {
      socket,
      secure,
      headFor: createHeadMaker(source, options.trust, secure),
      input: () => input,
      take,
      expectWithin,
      answer,
      inform: (answers) => void socket.write(answers, "latin1"),
      done,
      cut: () => void socket.destroy(),
    },
    options,
  );

  socket.on("data", onData);
  socket.on("drain", () => {
    exchange.drained();
    if (!busy) next();
  });
  // A client may reset at any time.
  socket.on("error", () => undefined);
  socket.on("end", leave);
  socket.on("close", () => {
    leave();
    letGo(socket);
    options.closed(self);
  });

  function leave(): void {
    over = true;
    input = null;
    exchange.gone();
  }

  function onData(chunk: Buffer): void {
    if (over) return;
    lent.add(chunk);
    if (input === null) input = chunk;
    else lent.add((input = Buffer.concat([input, chunk])));
    if (busy) exchange.more();
    else next();
    if (waiting() >= INPUT_LIMIT && !paused) {
      paused = true;
      socket.pause();
    }
  }

  function waiting(): number {
    return input === null ? 0 : input.length;
  }

  function take(bytes: number): void {
    if (input === null) return;
    input = bytes === input.length ? null : input.subarray(bytes);
    if (input === null && lent.any() && exchange.sent()) lent.giveBack();
    if (paused && waiting() < INPUT_LIMIT) {
      paused = false;
      socket.resume();
    }
  }

  /** Begins with the next request, if all of its head is there and the client takes its answers. */
  function next(): void {
    if (running) return;
    running = true;
    while (!busy && !over && socket.writableLength < HIGH_WATER && begin());
    running = false;
    if (busy || over || socket.writableLength >= HIGH_WATER) return;
    if (input === null) {
      inHead = false;
      return;
    }
    seen = input.length;
    if (inHead) return;
    inHead = true;
    expectWithin(options.headersMs);
  }

  function begin(): boolean {
    // Some clients send an empty line behind a body (RFC 9112, section 2.2).
    while (input !== null && input[0] === CR && input[1] === LF) take(2);
    if (input === null) return false;
    // A head that comes byte by byte is not read again for each of them.
    if (inHead && input.length <= MAX_HEAD_BYTES && !input.includes(LF, seen)) return false;
    const head = readRequestHead(input, secure);
    if (head === null) return false;
    if ("says" in head) {
      refuse(head);
      return false;
    }
    if (secure && head.host !== servername) {
      refuse(MISDIRECTED);
      return false;
    }
    if (source.trusted) head.claims = readClaims(input);
    take(head.size);
    ({ switches } = head);
    busy = true;
    inHead = false;
    deadline = 0;
    exchange.start(head);
    return true;
  }

  function refuse({ status, says }: Refusal): void {
    answer(status, says, { method: "", close: true });
  }

  function answer(status: number, says: string, to: AnswerTo): void {
    const close = to.close || options.closing();
    socket.write(answerText(status, says, { ...to, close }), "latin1");
    done(!close);
  }

  function done(keep: boolean): void {
    busy = false;
    lent.forget();
    if (over) return;
    // What came behind such a request is HTTP to some, to others what they would switch to.
    if (!keep || (switches && input !== null)) return closeSoon();
    expectWithin(options.keepAliveMs);
    next();
  }

  /** Ends our side and throws away what still comes: a reset could overtake the answer. */
  function closeSoon(): void {
    over = true;
    input = null;
    // What is still to be sent may take the client its time.
    expectWithin(options.stallMs);
    socket.end(() => expectWithin(LINGER_MS));
    socket.resume();
  }

  function expectWithin(ms: number): void {
    deadline = ms === 0 ? 0 : clock.now() + ms;
  }

  function sweep(now: number): void {
    if (deadline === 0 || now < deadline) return;
    deadline = 0;
    if (busy) return exchange.expired();
    if (!over && inHead) {
      return refuse({ status: 408, says: "A whole request head was expected sooner." });
    }
    socket.destroy();
  }

  function cut(which: "idle" | "any"): void {
    if (which === "any" || (!busy && socket.writableLength === 0)) socket.destroy();
  }

  return self;
}
