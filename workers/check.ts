import { setTimeout as sleep } from "node:timers/promises";
import { TealError } from "../apps/errors.ts";
import type { Instance, StartupCheck } from "../apps/types.ts";
import { spent } from "./context.ts";
import type { ContainerState } from "./engine/containers.ts";
import { explainSilence, listeningPorts } from "./listening.ts";
import type { Work } from "./ports.ts";
import { type Answer, probe } from "./probe.ts";

interface Options {
  containers: {
    inspect(id: string): Promise<ContainerState | null>;
    lastLines(id: string, count: number): Promise<string[]>;
  };
  /** Host header for the probe. */
  hostHeader: string;
  /** Within this time from the start of the check it must be healthy. */
  timeoutMs: number;
  /** What the app itself says. */
  startup?: StartupCheck;
}

/** Often at first, so that a fast app is live fast. */
const POLL_FIRST_MS = 20;
const POLL_MS = 100;
const FIRST_MS = 2000;
const LOOK_AT_CONTAINER_MS = 500;
const PROBE_TIMEOUT_MS = 5000;
const PROBE_MIN_MS = 500;
/** A process without a port is healthy once it has run for this long. */
const SETTLE_MS = 1000;
const LAST_LINES = 50;
/** Of a body, what is looked through for what the app says is in it, and what is shown of it. */
const CONTENT_CHARS = 64 * 1024;
const EXCERPT_CHARS = 300;

/**
 * Waits until an instance is healthy. `web`: its port answers HTTP with a status below 500,
 * asked from outside the container; other process types: it runs on for a second.
 * @throws check-failed with the last status or error; the app's last lines are in the log before.
 */
export async function checkInstance(
  instance: Instance,
  work: Work,
  options: Options,
): Promise<void> {
  const why =
    instance.process === "web"
      ? await waitForAnswer(instance, work, options)
      : await waitForSettled(instance, work, options);
  if (why === null) return;
  for (const line of await options.containers.lastLines(instance.id, LAST_LINES)) {
    work.say("output", line);
  }
  throw new TealError("check-failed", {
    instance: `${instance.process}.${instance.index}`,
    seconds: options.timeoutMs / 1000,
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
    const polled = pollUntilHealthy(instance, work, options, over.signal);
    const why = await Promise.race([watch.ended, polled]);
    if (why === null || watch.signal.aborted) return why;
    const state = await containers.inspect(instance.id);
    const port = instance.port ?? 0;
    const silence = state?.running ? explainSilence(port, await listeningPorts(state.pid)) : "";
    return silence || why;
  } finally {
    watch.stop();
    over.abort();
  }
}

/** null when healthy; after the time is over the last status or error. */
async function pollUntilHealthy(
  instance: Instance,
  { say, signal }: Work,
  { hostHeader, timeoutMs, startup }: Options,
  over: AbortSignal,
): Promise<string | null> {
  const { host = "", port = 0 } = instance;
  const path = startup?.path ?? "/";
  say("step", `Checking ${instance.process}.${instance.index}: GET ${path} on port ${port}`);
  const began = performance.now();
  let last = "";
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    const left = timeoutMs - (performance.now() - began);
    const probeMs = Math.max(PROBE_MIN_MS, Math.min(startup?.timeoutMs ?? PROBE_TIMEOUT_MS, left));
    const found = await attempt({ host, port }, { hostHeader, timeoutMs: probeMs, startup });
    if (found.healthy) {
      say("info", `Try ${tries}: ${found.text}`);
      return null;
    }
    const elapsed = performance.now() - began;
    if (over.aborted) return last;
    if (found.text !== last) say("info", `Try ${tries} after ${spent(elapsed)}: ${found.text}`);
    last = found.text;
    if (elapsed > timeoutMs) return last;
    await sleep(elapsed < FIRST_MS ? POLL_FIRST_MS : POLL_MS);
  }
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

async function attempt(
  target: { host: string; port: number },
  { startup, ...how }: { hostHeader: string; timeoutMs: number; startup: StartupCheck | undefined },
): Promise<{ healthy: boolean; text: string }> {
  try {
    const wanted = startup?.content === undefined ? {} : { bodyChars: CONTENT_CHARS };
    const answer = await probe(target, { ...how, ...wanted, path: startup?.path ?? "/" });
    if (isHealthy(answer, startup)) return { healthy: true, text: `status ${answer.status}` };
    return { healthy: false, text: describe(answer, startup) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { healthy: false, text: code === "ECONNREFUSED" ? "connection refused" : message };
  }
}

/** Anything below 500 will do, unless the app says more. */
function isHealthy({ status, body }: Answer, startup: StartupCheck | undefined): boolean {
  if (!startup) return status >= 100 && status < 500;
  return status >= 200 && status < 300 && body.includes(startup.content ?? "");
}

function describe({ status, location, body }: Answer, startup?: StartupCheck): string {
  const excerpt = body.slice(0, EXCERPT_CHARS).replaceAll(/\s+/g, " ").trim();
  const content = startup?.content;
  const lacks = content !== undefined && !body.includes(content);
  return `status ${status}${lacks ? `, without ${JSON.stringify(content)}` : ""}${location ? `, Location: ${location}` : ""}${excerpt ? `, body: ${excerpt}` : ""}`;
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
