/** One request as a client saw it. Times on one monotonic clock. */
export interface Observed {
  start: number;
  end: number;
  /** What answered, e.g. the app's version text. */
  version: string;
}

/** One release being live, in the order of their swaps. A rollback is a phase of its own, with its old version. */
export interface Phase {
  version: string;
  /** The swap to this phase was asked for at this time, so no answer of it can end before. */
  notBefore: number;
}

export interface Violation {
  request: Observed;
  /** The phase that had already answered somebody before the request began. */
  phaseReached: number;
}

/**
 * A swap is linearizable: once an answer of a phase has reached anyone, no request that begins
 * later is answered by an earlier phase. Each answer is given the earliest phase that can
 * explain it; one that no phase can explain is a violation.
 */
export function findViolations(requests: Observed[], phases: Phase[]): Violation[] {
  const explained = requests.map((request) => ({ request, phase: -1 }));
  const byStart = explained.toSorted((a, b) => a.request.start - b.request.start);
  const byEnd = explained.toSorted((a, b) => a.request.end - b.request.end);
  const violations: Violation[] = [];
  let reached = 0;
  let at = 0;
  for (const entry of byStart) {
    const { request } = entry;
    for (let ended = byEnd[at]; ended && ended.request.end < request.start; ended = byEnd[++at]) {
      reached = Math.max(reached, ended.phase);
    }
    entry.phase = phases.findIndex(
      (phase, index) =>
        index >= reached && phase.version === request.version && phase.notBefore < request.end,
    );
    if (entry.phase === -1) violations.push({ request, phaseReached: reached });
  }
  return violations;
}
