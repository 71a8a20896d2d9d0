import type { AccessLog } from "./access-log.ts";
import type { Admit, Applicant } from "./admission.ts";
import type { AnswerHead } from "./answer-head.ts";
import { createAnswerReader } from "./answer-reader.ts";
import { createBody } from "./body.ts";
import type { ClientSide } from "./client.ts";
import type { Clock } from "./clock.ts";
import type { ReleaseCounters } from "./contract.ts";
import type { Fallback } from "./fallback.ts";
import type { Health } from "./health.ts";
import type { Patience } from "./patience.ts";
import type { Connection, User } from "./pool.ts";
import type { RequestHead } from "./request-head.ts";
import type { AppState, TargetState } from "./table.ts";
import { createTunnel } from "./tunnel.ts";

/** Times in ms. */
export interface ExchangeOptions {
  /** What the platform answers an ACME server's token at a host with; null when it asked for no such thing. */
  answerFor(host: string, token: string): Promise<string | null>;
  admit: Admit;
  clock: Clock;
  health: Health;
  patience: Patience;
  /** An exchange on this target has ended. */
  ended(target: TargetState): void;
  /** True while the router is closing: answers then carry `Connection: close`. */
  closing(): boolean;
  connectMs: number;
  /** How long a request waits for a target that can be reached, where its app does not say. */
  holdMs: number;
  /** Within this time the app must answer a WebSocket handshake. */
  handshakeMs: number;
  /** How long a client may neither send nor take anything in the middle of a body. */
  stallMs: number;
  log: AccessLog | null;
  /** Whom to ask for what `app` has not; null: nobody. */
  standbyOf(app: AppState): AppState | null;
}

/** `aside`: the app's answer waits while the standby is asked for a better one. */
export type Phase =
  | "idle"
  | "admission"
  | "connecting"
  | "waiting"
  | "aside"
  | "answering"
  | "spliced";

/** What calls into an exchange: the gate, the app's connection, the standby's answer, a drain. */
export interface Callers {
  applicant(x: Exchange): Applicant & { host: string };
  user(x: Exchange): User;
  fallback(x: Exchange): Fallback;
  end(x: Exchange): void;
}

/**
 * All that is known of the request at hand: one object per connection of a client, used for one
 * request after the other, so that a request makes none. What is done with it is in exchange-*.ts.
 */
export class Exchange {
  readonly client: ClientSide;
  readonly socket: ClientSide["socket"];
  readonly options: ExchangeOptions;
  readonly upload = createBody();
  readonly download = createBody();
  readonly reader = createAnswerReader();
  readonly tunnel: ReturnType<typeof createTunnel>;
  readonly applicant: ReturnType<Callers["applicant"]>;
  readonly user: User;
  readonly fallback: Fallback;
  private readonly callers: Callers;
  /** Pieces of a body on their way. */
  readonly parts: Buffer[] = [];

  /** Among what is open on the target. */
  place = -1;
  phase: Phase = "idle";
  head!: RequestHead;
  app!: AppState;
  target: TargetState | null = null;
  connection: Connection | null = null;
  /** Those that could not be reached for this request. */
  failed: Set<TargetState> | null = null;
  retried = false;
  colour: "blue" | "green" = "blue";
  release = 0;
  tally!: ReleaseCounters;
  /** `performance.now()` at the request's start. */
  since = 0;
  /** The answer's status. */
  answered = 0;
  /** The head that the app gets. */
  text = "";
  id = "";
  /** Of the instance that has the request, or had it last. */
  instance = "";
  /** Bytes of the answer's body. */
  sent = 0;
  /** The answer goes out in chunks of the router's making. */
  encoding = false;
  /** The answer is a stream, which has no end of its own. */
  streaming = false;
  keepClient = false;
  keepApp = false;
  /** Reading from the app waits for the client. */
  stopped = false;
  /** The answer that waits, with the bytes that begin with its head. */
  kept: { answer: AnswerHead; bytes: Buffer } | null = null;
  /** The app's connection is at its end: by a FIN, or not. */
  over: "clean" | "broken" | null = null;

  constructor(client: ClientSide, options: ExchangeOptions, callers: Callers) {
    this.client = client;
    this.socket = client.socket;
    this.options = options;
    this.tunnel = createTunnel(client.socket);
    this.applicant = callers.applicant(this);
    this.user = callers.user(this);
    this.fallback = callers.fallback(this);
    this.callers = callers;
  }

  /** The target has to stop. */
  end(): void {
    this.callers.end(this);
  }
}
