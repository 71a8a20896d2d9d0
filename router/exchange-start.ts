import { chooseTarget, stickyTarget } from "./choose.ts";
import { cameByHttps } from "./claims.ts";
import { countOwn } from "./exchange-note.ts";
import { closesAfter, turnAway } from "./exchange-own.ts";
import { send } from "./exchange-request.ts";
import type { Exchange } from "./exchange-state.ts";
import { expectWithin } from "./exchange-time.ts";
import { restingAnswer } from "./policy.ts";
import type { RequestHead } from "./request-head.ts";
import type { AppState } from "./table.ts";

/** Where ACME servers ask (RFC 8555, section 8.3). */
const PROOFS = "/.well-known/acme-challenge/";

export function start(x: Exchange, request: RequestHead): void {
  x.head = request;
  x.since = performance.now();
  x.failed = null;
  x.retried = false;
  x.text = x.id = x.instance = "";
  x.answered = x.sent = 0;
  x.upload.begin(request.length, true, true);
  x.applicant.host = request.host;
  if (request.path.startsWith(PROOFS)) void prove(x, request);
  else enter(x);
}

/** An ACME server asks whether a host is ours; what is not meant for the platform is the app's. */
async function prove(x: Exchange, asked: RequestHead): Promise<void> {
  x.phase = "admission";
  const token = asked.path.slice(PROOFS.length);
  const answer = await x.options.answerFor(asked.host, token).catch(() => null);
  if (x.phase !== "admission" || x.head !== asked) return;
  if (answer === null) return enter(x);
  x.phase = "idle";
  x.client.answer(200, answer, { method: asked.method, close: closesAfter(x) });
}

/** To the gate, which lets it go, holds it for a while, or refuses it. */
export function enter(x: Exchange): void {
  x.phase = "admission";
  x.options.admit(x.applicant);
}

export function refuse(
  x: Exchange,
  status: number,
  says: string,
  by: AppState | null = null,
): void {
  if (by === null) {
    x.phase = "idle";
    return x.client.answer(status, says, { method: x.head.method, close: closesAfter(x) });
  }
  enterApp(x, by);
  turnAway(x, { status, says, html: by.policy?.page(status) });
}

export function enterApp(x: Exchange, found: AppState): void {
  x.app = found;
  x.colour = found.route?.colour ?? "blue";
  x.release = found.route?.release ?? 0;
  x.tally = found.tally;
}

/** To a target of the app, on a connection that is there or a new one. */
export function go(x: Exchange, app: AppState): void {
  const { head, client } = x;
  enterApp(x, app);
  if (app.policy !== null) {
    const away = app.policy.turnAway(head, cameByHttps(head.claims, client.secure));
    if (away !== null) {
      app.turnedAway++;
      return turnAway(x, away);
    }
  }
  const stuck = app.policy?.sticky === true ? stickyTarget(app, head, x.failed) : null;
  const target = stuck ?? chooseTarget(app, x.failed);
  x.target = target;
  if (target === null) return waitForTarget(x);
  target.open.add(x);
  x.instance = target.id;
  // What must not be sent twice never rides on a used connection, which may be dead.
  const pooled = head.repeatable && !head.upgrade && !x.retried;
  x.connection = pooled ? target.pool.take(x.user) : null;
  if (x.connection !== null) return send(x);
  x.phase = "connecting";
  expectWithin(x, x.options.connectMs);
  x.connection = target.pool.open(x.user);
}

/** None can be reached now. One may come back in a moment, or the route may change. */
function waitForTarget(x: Exchange): void {
  const { app, options, since } = x;
  x.failed = null;
  const { restsUntil } = app.policy ?? {};
  if (restsUntil !== undefined) return waitForVersion(x, restsUntil);
  const left = (app.policy?.holdMs ?? options.holdMs) - (performance.now() - since);
  if (left > 0 && options.patience.wait(app, left, again(x, since))) return expectWithin(x, 0);
  app.counters.refused++;
  countOwn(x, 503);
  refuse(x, 503, `No instance of ${app.name} can be reached.`, app);
}

/** None runs, and a new version is on its way. */
function waitForVersion(x: Exchange, until: number): void {
  const { app, options, since } = x;
  const left = until - performance.now();
  if (left > 0 && options.patience.wait(app, left, again(x, since))) {
    app.counters.held++;
    return expectWithin(x, 0);
  }
  app.counters.refused++;
  countOwn(x, 503);
  const { html, ...answer } = restingAnswer(app.name);
  turnAway(x, { ...answer, html: app.policy?.page(503) ?? html });
}

/** For the request that began at `begun`, if it is still there. */
function again(x: Exchange, begun: number): () => void {
  return () => {
    if (x.phase === "admission" && x.since === begun) enter(x);
  };
}
