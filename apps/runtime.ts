/**
 * How a process type passes from one release to the next. `overlap`: the new one starts beside the
 * old. `exclusive`: the old one stops before the new one starts. `drain`: as overlap, and the old
 * one may end its work for hours.
 */
export const HANDOVERS = ["overlap", "exclusive", "drain"] as const;
export type Handover = (typeof HANDOVERS)[number];

/** What an instance may take up, and how it is stopped. A field that is absent has its default. */
export interface ProcessRuntime {
  /** MiB; beyond it the kernel ends a process of the instance. */
  memory?: number;
  /** Processors, 0.5 is half of one. */
  cpus?: number;
  /** Processes and threads. */
  pids?: number;
  /** Nothing but /tmp can be written to. */
  readOnly?: boolean;
  /** From SIGTERM to SIGKILL, in seconds. */
  grace?: number;
  handover?: Handover;
  /** Of `release`: how long each command of a deploy may take, in seconds. */
  time?: number;
}

/** By process type. */
export type Runtime = Record<string, ProcessRuntime>;

/** The least and the most that each may be. */
export const RUNTIME_RANGES = {
  memory: [16, 1_048_576],
  cpus: [0.05, 256],
  pids: [16, 100_000],
  grace: [0, 86_400],
  time: [1, 86_400],
} as const satisfies Partial<Record<keyof ProcessRuntime, readonly [number, number]>>;

const GRACE_S = 10;
/** Of what drains. */
const DRAIN_S = 6 * 3600;
/** A release command, and the like, may take an hour. */
export const COMMAND_S = 3600;
export const PIDS = 2048;
const LEAST_MIB = 512;

/**
 * The memory of an instance that has no limit of its own: a quarter of the machine's, so that one
 * app cannot take it all.
 * @param machine MiB
 */
export function defaultMemory(machine: number): number {
  return Math.max(LEAST_MIB, Math.floor(machine / 4));
}

/** From SIGTERM to SIGKILL, in seconds. */
export function graceOf({ grace, handover }: ProcessRuntime = {}): number {
  return grace ?? (handover === "drain" ? DRAIN_S : GRACE_S);
}

/** Field by field what the app's people have set, else what its app.json says. */
export function mergeRuntime(
  defaults: Runtime | undefined,
  told: Runtime | undefined,
): Runtime | undefined {
  if (!defaults) return told;
  return changeRuntime(defaults, told ?? {}) ?? undefined;
}

/** `told` with a change, null taking a field away; undefined when nothing is left. */
export function changeRuntime(
  told: Runtime,
  change: Record<string, { [K in keyof ProcessRuntime]?: ProcessRuntime[K] | null | undefined }>,
): Runtime | null {
  const types = new Set([...Object.keys(told), ...Object.keys(change)]);
  const changed = [...types].flatMap((type) => {
    const fields = Object.entries({ ...told[type], ...change[type] });
    const kept = fields.filter(([, value]) => value !== null && value !== undefined);
    return kept.length > 0 ? [[type, Object.fromEntries(kept)] as const] : [];
  });
  return changed.length > 0 ? Object.fromEntries(changed) : null;
}
