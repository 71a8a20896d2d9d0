import { bytesText, shareText, spanText } from "./amounts.ts";
import type { AppFacts } from "./app-facts.ts";
import type { ContainerLook, InstanceLook } from "./app-look.ts";
import { type Crash, describeCrash, LOOP } from "./crashes.ts";
import type { Finding } from "./findings.ts";
import type { InstanceView } from "./views.ts";

/** From this share of a limit on it is near, and from that one on there is next to nothing left. */
const NEAR = 0.85;
const FULL = 0.95;
/** So large a part of the time in which it waits for the processor slows an instance down. */
const THROTTLED = 0.25;
/** Fewer periods say nothing. */
const PERIODS = 5;
const MIB = 1024 * 1024;

/** Processor, memory, processes, checks and crashes of all that runs, instance by instance. */
export function judgeInstances(facts: AppFacts): Finding[] {
  const { look, instances, app, settings } = facts;
  if (look === null) return [noWorker(facts)];
  const stopped = settings.options.stopped === true;
  const found = instances.flatMap((instance): Finding[] => {
    const seen = look.instances.find(({ id }) => id === instance.id);
    const crashed = judgeCrashes(facts, instance);
    if (!seen || stopped || instance.serves === null) return crashed;
    if (!seen.container?.running) return [...crashed, notRunning(facts, instance, seen)];
    const { container } = seen;
    return [
      ...crashed,
      ...judgeProcessor(app.name, instance, container),
      ...judgeMemory(app.name, instance, container),
      ...judgePids(app.name, instance, container),
      ...judgeAddress(app.name, instance, container),
      ...judgeChecks(app.name, instance, seen),
    ];
  });
  return [...found, ...judgeFormation(facts)];
}

const nameOf = ({ process, index, serves, colour }: InstanceView) =>
  `${process}.${index}${serves === "live" ? "" : ` (${serves ?? "leaving"}, ${colour})`}`;

/** Of what is not live people notice nothing yet. */
const worst = ({ serves }: InstanceView) => (serves === "live" ? "bad" : "warn");

function noWorker({ instances }: AppFacts): Finding {
  return {
    level: "bad",
    about: "the platform's worker",
    seen: `0 workers answered; ${instances.length} instance(s) on record were not looked at`,
    means: "Deploys wait, and what ends is not told; what runs goes on running.",
    todo: "teal status",
  };
}

function notRunning(
  { app, at, gone }: AppFacts,
  one: InstanceView,
  { container }: InstanceLook,
): Finding {
  const since = container && spanText(at - container.startedAt);
  const seen = container
    ? `not running: it ended with status ${container.exitCode}${container.outOfMemory ? ", for lack of memory" : ""}, ${since} after its last start`
    : "not running: its container is gone (0 of 1)";
  const finding = { level: worst(one), about: nameOf(one), seen } as const;
  if (!container && gone.includes(one.release)) {
    return {
      ...finding,
      means: `Nor is the image of v${one.release} here: it cannot be started.`,
      todo: "git push deploy main",
    };
  }
  return {
    ...finding,
    means: "It is started again, later each time it ends; until then it serves nobody.",
    todo: `teal logs --ps ${one.process}.${one.index} -n 50 -a ${app.name}`,
  };
}

function judgeProcessor(
  app: string,
  one: InstanceView,
  { usage, limits }: ContainerLook,
): Finding[] {
  if (!usage || limits.cpus === 0) return [];
  const share = usage.cpus / limits.cpus;
  const waits = usage.periods >= PERIODS ? usage.throttled / usage.periods : 0;
  if (share < NEAR && waits < THROTTLED) return [];
  return [
    {
      level: "warn",
      about: `processor of ${nameOf(one)}`,
      seen: `${usage.cpus.toFixed(2)} of ${limits.cpus} processors busy (${shareText(share)}); throttled in ${usage.throttled} of ${usage.periods} periods`,
      means: "It does all that its limit lets it do, and waits for the rest: answers get slower.",
      todo: `teal limits:set ${one.process}.cpus=${Math.round(limits.cpus * 200) / 100} -a ${app}`,
    },
  ];
}

function judgeMemory(app: string, one: InstanceView, { usage, limits }: ContainerLook): Finding[] {
  if (!usage || limits.memory === 0) return [];
  const share = usage.memory / limits.memory;
  if (share < NEAR) return [];
  return [
    {
      level: share >= FULL ? worst(one) : "warn",
      about: `memory of ${nameOf(one)}`,
      seen: `${bytesText(usage.memory)} of ${bytesText(limits.memory)} (${shareText(share)})`,
      means: "It is near its limit: the kernel ends a process of it as soon as it wants more.",
      todo: moreMemory(app, one.process, limits.memory),
    },
  ];
}

function moreMemory(app: string, process: string, bytes: number): string {
  return `teal limits:set ${process}.memory=${Math.ceil((2 * bytes) / MIB)}M -a ${app}`;
}

function judgePids(app: string, one: InstanceView, { usage, limits }: ContainerLook): Finding[] {
  if (!usage || limits.pids === 0 || usage.pids < NEAR * limits.pids) return [];
  return [
    {
      level: usage.pids >= FULL * limits.pids ? worst(one) : "warn",
      about: `processes of ${nameOf(one)}`,
      seen: `${usage.pids} of ${limits.pids} processes and threads`,
      means: "At the limit nothing new can be started in it: forks and threads fail.",
      todo: `teal limits:set ${one.process}.pids=${2 * limits.pids} -a ${app}`,
    },
  ];
}

function judgeAddress(app: string, one: InstanceView, { addresses }: ContainerLook): Finding[] {
  if (one.host === undefined || addresses.includes(one.host)) return [];
  return [
    {
      level: worst(one),
      about: `address of ${nameOf(one)}`,
      seen: `${addresses.join(", ") || "none"}, and ${one.host} is on record`,
      means: "Routers send its requests to the address on record, where it is not.",
      todo: `teal ps:restart -a ${app}`,
    },
  ];
}

function judgeChecks(app: string, one: InstanceView, { checks }: InstanceLook): Finding[] {
  return checks
    .filter(({ healthy }) => !healthy)
    .map(({ type, what, says }) => ({
      level: worst(one),
      about: `${type} check of ${nameOf(one)}`,
      seen: `${what}: ${says} (1 try, just now)`,
      means:
        type === "liveness"
          ? "It is restarted when this goes on."
          : "A new version that answers so would not go live; requests meet the same.",
      todo: `teal logs --ps ${one.process}.${one.index} -n 50 -a ${app}`,
    }));
}

function judgeCrashes({ app, crashes, look }: AppFacts, one: InstanceView): Finding[] {
  const own = crashes.filter(({ instance }) => instance === one.id);
  const last = own.at(-1);
  if (!last) return [];
  const logs = `teal logs --ps ${one.process}.${one.index} -n 50 -a ${app.name}`;
  const starved = own.filter(({ cause }) => cause === "memory").length;
  const limit = look?.instances.find(({ id }) => id === one.id)?.container?.limits.memory ?? 0;
  return [
    {
      level: one.looping ? worst(one) : "warn",
      about: `${one.looping ? "crash loop" : "crashes"} of ${nameOf(one)}`,
      seen: `${own.length} in the last hour${starved > 0 ? `, ${starved} for lack of memory` : ""}; the last: ${describeCrash(last)}`,
      means: one.looping
        ? loopMeans(last)
        : "It was started again each time; requests on it broke.",
      todo: starved > 0 && limit > 0 ? moreMemory(app.name, one.process, limit) : logs,
    },
  ];
}

function loopMeans({ process }: Crash): string {
  return `${process} ended ${LOOP.crashes} times or more within ${LOOP.withinMs / 60_000} minutes: it does not get over what ends it by being started again.`;
}

/** Only what was scaled is known for sure; one of each process type otherwise. */
function judgeFormation({ app, instances, settings }: AppFacts): Finding[] {
  if (!app.live || settings.options.stopped) return [];
  return Object.entries(settings.formation).flatMap(([process, wanted]): Finding[] => {
    const there = instances.filter((one) => one.process === process && one.serves === "live");
    if (process !== "web" || there.length === wanted) return [];
    return [
      {
        level: there.length === 0 ? "bad" : "warn",
        about: `formation of ${process}`,
        seen: `${there.length} of ${wanted} instances`,
        means:
          "The live colour is not what was asked for: the deploy that was to make it so failed.",
        todo: `teal ps:scale ${process}=${wanted} -a ${app.name}`,
      },
    ];
  });
}
