import { UNSOUND, type AnswerHead } from "./answer-head.ts";
import { createAnswerReader } from "./answer-reader.ts";
import { chooseTarget } from "./choose.ts";
import { dropConnection, type Connection, type User } from "./pool.ts";
import type { RequestHead } from "./request-head.ts";
import type { AppState, TargetState } from "./table.ts";

/** A good answer of the standby, of which the body is still to come. */
export interface Found {
  standby: AppState;
  target: TargetState;
  connection: Connection;
  answer: AnswerHead;
  /** They begin with the answer's head, and hold only within this call. */
  bytes: Buffer;
}

export interface FallbackUser {
  /** False stops the reading, as a connection's user says. */
  found(found: Found): boolean;
  nothing(): void;
}

/** Asks the standby once for what the live colour has not. One per connection of a client. */
export interface Fallback {
  /** False when there is nobody to ask; else one of `found` and `nothing` is called, unless `stop` is. */
  ask(standby: AppState, request: string): boolean;
  stop(): void;
}

/** The live colour's answer waits for so long at most. */
const WITHIN_MS = 2000;

/**
 * A name that a build tool made from what is in the file: `app-5f2e3c1d.js`, `main.27e20196a850.css`,
 * `index-BxK3f9aZ.js`. The page that asks for it is of the release that has it.
 */
const FINGERPRINTED =
  /[-.](?:[0-9a-f]{8,64}|(?=[\w-]*[0-9A-Z])[\w-]{8})(?:\.[a-z]{1,8})?\.(?:avif|css|eot|gif|ico|jpe?g|js|json|map|mjs|mp3|mp4|otf|png|svg|ttf|wasm|webm|webp|woff2?)$/;

/** So that no name takes the pattern long. */
const MAX_NAME = 200;

export function isAsset({ method, path, upgrade, hasBody }: RequestHead): boolean {
  if (method !== "GET" || upgrade || hasBody) return false;
  const query = path.indexOf("?");
  const end = query === -1 ? path.length : query;
  const file = path.slice(path.lastIndexOf("/", end) + 1, end);
  return file.length <= MAX_NAME && FINGERPRINTED.test(file);
}

export function createFallback(
  { found, nothing }: FallbackUser,
  ended: (target: TargetState) => void,
): Fallback {
  const reader = createAnswerReader();
  const open = { place: -1, streaming: false, end: fail };
  const user: User = { connected: send, data, drained: () => undefined, over: fail };
  let standby: AppState;
  let target: TargetState | null = null;
  let connection: Connection | null = null;
  let text = "";
  let timer: NodeJS.Timeout | undefined;

  function ask(of: AppState, request: string): boolean {
    target = chooseTarget(of, null);
    if (target === null) return false;
    standby = of;
    text = request;
    reader.begin(false);
    target.open.add(open);
    timer = setTimeout(fail, WITHIN_MS);
    // A used connection may be dead, and this is asked once.
    connection = target.pool.open(user);
    return true;
  }

  function send(): void {
    connection?.socket.write(text, "latin1");
  }

  function data(bytes: Buffer): boolean {
    const answer = reader.read(bytes);
    if (answer === null) return true;
    if (answer === UNSOUND || !isGood(answer) || connection === null || target === null) {
      fail();
      return true;
    }
    const result = { standby, target, connection, answer, bytes: reader.bytes };
    connection = null;
    leave();
    return found(result);
  }

  function fail(): void {
    stop();
    nothing();
  }

  function stop(): void {
    if (connection !== null) dropConnection(connection);
    connection = null;
    leave();
  }

  function leave(): void {
    clearTimeout(timer);
    const left = target;
    target = null;
    if (left === null) return;
    left.open.delete(open);
    ended(left);
  }

  return { ask, stop };
}

function isGood({ status, eventStream }: AnswerHead): boolean {
  return ((status >= 200 && status < 300) || status === 304) && !eventStream;
}
