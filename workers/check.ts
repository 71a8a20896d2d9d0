import { setTimeout as sleep } from "node:timers/promises";
import { describeCheck, type HealthCheck } from "../apps/checks.ts";
import { TealError } from "../apps/errors.ts";
import type { Instance, Release } from "../apps/types.ts";
import { spent } from "./context.ts";
import type { ContainerState } from "./engine/containers.ts";
import { attempt, type Prober } from "./health.ts";
import { explainSilence, listeningPorts } from "./listening.ts";
import { nameOf } from "./names.ts";
import { lacksShell } from "./no-shell.ts";
import type { Work } from "./ports.ts";

interface Options {
  containers: Prober["containers"] & { lastLines(id: string, count: number): Promise<string[]> };
  /** Host header for the probe. */
  hostHeader: string;
  /** Within this time from the start of the check it must be healthy, unless the app says more. */
  timeoutMs: number;
  /** What the app itself says of the instance's process type. */
  checks: HealthCheck[];
}

/** Often at first, so that a fast app is live fast. */
const POLL_FIRST_MS = 20;
const POLL_MS = 100;
const COMMAND_POLL_MS = 500;
const FIRST_MS = 2000;
const LOOK_AT_CONTAINER_MS = 500;
const PROBE_TIMEOUT_MS = 5000;
const PROBE_MIN_MS = 500;
/** A process without a port is healthy once it has run for this long. */
const SETTLE_MS = 1000;
const LAST_LINES = 50;
const LONGEST_MS = 600_000;

/**
 * Waits until an instance is healthy: all that its app says of it is so. Without a word of the app,
 * `web`: its port answers HTTP with a status below 500, asked from outside the container; other
 * process types: it runs on for a second.
 * @throws no-shell; check-failed with the last status or error; the app's last lines are in the log before.
 */
export async function checkInstance(
  instance: Instance,
  work: Work,
  options: Options,
): Promise<void> {
  const why =
    instance.process === "web" || options.checks.length > 0
      ? await waitForAnswer(instance, work, options)
      : await waitForSettled(instance, work, options);
  if (why === null) return;
  const lines = await options.containers.lastLines(instance.id, LAST_LINES);
  for (const line of lines) work.say("output", line);
  const ended = await options.containers.inspect(instance.id).catch(() => null);
  if (lacksShell(ended?.running ? undefined : ended?.exitCode, lines))
    throw new TealError("no-shell", { what: `The command of ${nameOf(instance)}` });
  throw new TealError("check-failed", {
    instance: nameOf(instance),
    seconds: Math.max(...wantedOf(options).map((one) => withinOf(one, options.timeoutMs))) / 1000,
    detail: why,
  });
}

/** null when healthy, else why not. */
async function waitForAnswer(
  instance: Instance,
  work: Work,
  options: Options,
): Promise<string | null> {
  const { containers } = options;
  const watch = watchForEnd(containers, instance.id);
  const over = new AbortController();
  try {
    const polled = pollAll(instance, work, options, over.signal);
    const why = await Promise.race([watch.ended, polled]);
    if (why === null || watch.signal.aborted || !asksPort(instance, options)) return why;
    const state = await containers.inspect(instance.id);
    const port = instance.port ?? 0;
    const silence = state?.running ? explainSilence(port, await listeningPorts(state.pid)) : "";
    return silence || why;
  } finally {
    watch.stop();
    over.abort();
  }
}

/** Without any of the app's own the port must answer. */
function wantedOf({ checks }: Options): (HealthCheck | undefined)[] {
  return checks.length > 0 ? checks : [undefined];
}

function asksPort({ process }: Instance, options: Options): boolean {
  const own = wantedOf(options).some((one) => !one || one.path !== undefined || one.listening);
  return process === "web" && own && !options.checks.some(({ port }) => port !== undefined);
}

/** What an instance must pass before it serves. Old releases have one startup check of `web`. */
export function startChecks(
  { checks, check }: Pick<Release, "checks" | "check">,
  process: string,
): HealthCheck[] {
  if (checks) return (checks[process] ?? []).filter(({ type }) => type !== "liveness");
  if (!check || process !== "web") return [];
  const { withinMs, ...rest } = check;
  const waitMs = Math.max(0, withinMs - rest.timeoutMs);
  return [{ ...rest, type: "startup", attempts: 1, waitMs, initialDelayMs: 0 }];
}

/** All that all tries of a check may take, ms. */
export function withinOf(check: HealthCheck | undefined, otherwise: number): number {
  if (!check) return otherwise;
  const { initialDelayMs, attempts, timeoutMs, waitMs, uptimeMs = 0 } = check;
  const ms = initialDelayMs + attempts * (timeoutMs + waitMs);
  return uptimeMs + Math.max(1000, Math.min(LONGEST_MS, ms));
}

/** null when every check has passed, or has failed that only warns. */
async function pollAll(instance: Instance, work: Work, options: Options, over: AbortSignal) {
  const found = await Promise.all(
    wantedOf(options).map(async (check) => {
      const why = await pollUntilHealthy(instance, work, options, check, over);
      if (why === null || !check?.warn) return why;
      work.say("warn", `${titleOf(instance, check)} failed, which only warns: ${why}`);
      return null;
    }),
  );
  return found.find((why) => why !== null) ?? null;
}

function titleOf(instance: Instance, check: HealthCheck | undefined): string {
  return `${nameOf(instance)}: ${describeCheck(check, instance.port ?? 0)}`;
}

/** null when healthy; after the time is over the last that was found. */
async function pollUntilHealthy(
  instance: Instance,
  { say, signal }: Work,
  options: Options,
  check: HealthCheck | undefined,
  over: AbortSignal,
): Promise<string | null> {
  say("step", `Checking ${titleOf(instance, check)}`);
  const withinMs = withinOf(check, options.timeoutMs);
  const began = performance.now();
  let last = "";
  const delayMs = check?.initialDelayMs ?? 0;
  if (delayMs > 0)
    await sleep(delayMs, null, { signal: AbortSignal.any([signal, over]) }).catch(() => {});
  for (let tries = 1; !over.aborted; tries++) {
    signal.throwIfAborted();
    const left = withinMs - (performance.now() - began);
    const tryMs = Math.max(PROBE_MIN_MS, Math.min(check?.timeoutMs ?? PROBE_TIMEOUT_MS, left));
    const found = await attempt(instance, check, options, tryMs);
    if (found.healthy) {
      say("info", `Try ${tries}: ${found.text}`);
      return null;
    }
    const elapsed = performance.now() - began;
    if (found.text !== last) say("info", `Try ${tries} after ${spent(elapsed)}: ${found.text}`);
    last = found.text;
    if (elapsed > withinMs) return last;
    // A command costs more than a request.
    const pause = check?.command ? COMMAND_POLL_MS : elapsed < FIRST_MS ? POLL_FIRST_MS : POLL_MS;
    await sleep(pause);
  }
  return last;
}

/** `ended` resolves with a sentence when the container's process has ended; a dead container's address swallows probes. */
function watchForEnd(containers: Options["containers"], id: string) {
  const stopping = new AbortController();
  const look = async (): Promise<string> => {
    for (;;) {
      await sleep(LOOK_AT_CONTAINER_MS, undefined, { signal: stopping.signal });
      const reason = endOf(await containers.inspect(id));
      if (reason) return reason;
    }
  };
  const found = new AbortController();
  const ended = look().then((reason) => {
    found.abort();
    return reason;
  });
  // Stopped or without an engine: the check itself says what matters.
  ended.catch(() => {});
  const never = new Promise<never>(() => {});
  return {
    ended: ended.catch(() => never),
    signal: found.signal,
    stop: () => stopping.abort(),
  };
}

async function waitForSettled(
  instance: Instance,
  { signal }: Work,
  { containers }: Options,
): Promise<string | null> {
  const end = performance.now() + SETTLE_MS;
  while (performance.now() < end) {
    signal.throwIfAborted();
    const ended = endOf(await containers.inspect(instance.id));
    if (ended) return ended;
    await sleep(POLL_MS * 2);
  }
  return null;
}

function endOf(state: ContainerState | null): string | null {
  if (state === null) return "its container is gone";
  if (state.running) return null;
  if (state.oomKilled) return "it was killed because it ran out of memory";
  return `its process ended with status ${state.exitCode}`;
}
