import type { HealthCheck } from "../apps/checks.ts";
import type { Instance } from "../apps/types.ts";

/** How one check of a running instance goes. */
export interface Course {
  check: HealthCheck;
  /** ms */
  nextAt: number;
  /** In a row. */
  failures: number;
  /** What was found last, when that was bad. */
  says: string;
}

/** A running instance that is asked how it is. Times are ms. */
export interface Patient {
  instance: Instance;
  courses: Course[];
  /** It was restarted, and gets no requests until it has passed what a new one has to pass. */
  returning: boolean;
  /** Since when it is what it is by `returning`. */
  since: number;
  /** Coming back may take so long; then the restart was in vain. */
  backWithinMs: number;
  /** Restarts because of its liveness, as far as they still count, and the last of them. */
  restarts: number;
  restartedAt: number;
  /** Somebody was told that it is left alone. */
  spared: boolean;
  busy: boolean;
}

/** As Kubernetes does: ten seconds, twenty and so on up to five minutes, forgotten after ten. */
const BACK_OFF = { firstMs: 10_000, longestMs: 300_000, forgottenMs: 600_000 };

/** From now on it serves, and is asked. */
export function serves(patient: Patient, checks: HealthCheck[], now: number): void {
  patient.returning = false;
  patient.since = now;
  patient.courses = checks
    .filter(({ type }) => type !== "startup")
    .map((check) => ({ check, nextAt: now + firstAfter(check), failures: 0, says: "" }));
}

/** A readiness check has passed only just now, unless the app says more. */
function firstAfter({ initialDelayMs, waitMs }: HealthCheck): number {
  return Math.max(initialDelayMs, waitMs);
}

/** Takes note of one look. True when that changes whether the check counts as failed. */
export function note(course: Course, found: { healthy: boolean; text: string }, now: number) {
  const before = hasFailed(course);
  course.failures = found.healthy ? 0 : course.failures + 1;
  course.says = found.healthy ? "" : found.text;
  course.nextAt = now + course.check.waitMs;
  return before !== hasFailed(course);
}

/** Once is chance: so often in a row as the app says. */
function hasFailed({ failures, check }: Course): boolean {
  return failures >= check.attempts;
}

/** Requests go to others while there are others. */
export function isAside({ returning, courses }: Patient): boolean {
  return returning || courses.some((it) => counts(it, "readiness"));
}

/** The liveness check that it fails, and has failed as often as it may. */
export function ailment({ courses }: Patient): Course | undefined {
  return courses.find((it) => counts(it, "liveness"));
}

/** It passes all its liveness checks. */
export function passesLiveness({ courses }: Patient): boolean {
  return courses.every(
    ({ check, failures }) => check.type !== "liveness" || check.warn || failures === 0,
  );
}

function counts(course: Course, type: HealthCheck["type"]): boolean {
  return course.check.type === type && !course.check.warn && hasFailed(course);
}

/**
 * Whether an instance that fails its liveness check is restarted now. Of a process type one at a
 * time, so that a fault that all have in common does not stop all. `spare`: restarting one of them
 * was in vain, no other is well, and this one still answers people.
 * @param others of its process type
 */
export function verdict(
  patient: Patient,
  others: Patient[],
  { now, answers }: { now: number; answers: boolean },
): "restart" | "wait" | "spare" {
  const away = others.filter((it) => it.returning);
  if (away.some((it) => !isLost(it, now))) return "wait";
  const well = others.some((it) => !isAside(it) && !ailment(it));
  // Of one that is spared already it is known that restarting another was in vain.
  if ((away.length > 0 || patient.spared) && !well && answers) return "spare";
  return now < patient.restartedAt + backOff(patient.restarts) ? "wait" : "restart";
}

/** It had time enough to come back, and did not. */
export function isLost({ returning, since, backWithinMs }: Patient, now: number): boolean {
  return returning && now > since + backWithinMs;
}

/** From now on it gets no requests until it has passed what a new one has to pass. */
export function leaves(patient: Patient, now: number): void {
  patient.returning = true;
  patient.since = now;
  for (const course of patient.courses) Object.assign(course, { failures: 0, nextAt: now });
}

/** How long the next restart has to wait after so many, ms. */
export function backOff(restarts: number): number {
  if (restarts === 0) return 0;
  return Math.min(BACK_OFF.longestMs, BACK_OFF.firstMs * 2 ** (restarts - 1));
}

/** One more restart; those of long ago are forgotten. */
export function restarted(patient: Patient, now: number): void {
  const old = now > patient.restartedAt + BACK_OFF.forgottenMs;
  patient.restarts = (old ? 0 : patient.restarts) + 1;
  patient.restartedAt = now;
}

/** What is on record of a patient's restarts by another worker, times in ms. */
export function remembered(times: number[], now: number) {
  const late = times.filter((at) => at > now - BACK_OFF.forgottenMs);
  return { restarts: late.length, restartedAt: Math.max(0, ...late) };
}
