import type { Exchange } from "./exchange-state.ts";

/** How long the app may take to its answer's head, once it has the whole request; 0: for ever. */
export function answerMs({ phase, app }: Exchange): number {
  return phase === "waiting" ? (app.policy?.headersMs ?? 0) : 0;
}

/** Something must happen within `ms` (0: at any time), and all within what the policy says. */
export function expectWithin(x: Exchange, ms: number): void {
  const left = timeLeft(x);
  x.client.expectWithin(left > 0 && (ms === 0 || left < ms) ? left : ms);
}

export function outOfTime(x: Exchange): boolean {
  return timeLeft(x) === 1;
}

/** Of the whole exchange, in ms; 0 when it has no end. */
function timeLeft({ app: { policy }, streaming, since }: Exchange): number {
  if (policy === null || policy.responseMs === 0 || streaming) return 0;
  return Math.max(1, policy.responseMs - (performance.now() - since));
}
