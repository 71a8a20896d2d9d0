import { bytesText, shareText, spanText } from "./amounts.ts";
import type { AppFacts } from "./app-facts.ts";
import type { Finding } from "./findings.ts";

/** With fewer requests a share says nothing. */
const LEAST_REQUESTS = 20;
/** Shares of failed answers. */
const SOME = 0.02;
const MANY = 0.2;
/** So many times the others' share is worse than they. */
const WORSE = 3;
/** Nobody waits longer for an answer's beginning, ms. */
const SLOW_MS = 2500;
const NEAR_DISK = 0.85;
const FULL_DISK = 0.95;

/** What routers see of an app, and the disks of its volumes. */
export function judgeTraffic(facts: AppFacts): Finding[] {
  return [
    ...judgeErrors(facts),
    ...judgeOneOfMany(facts),
    ...judgeSlow(facts),
    ...judgeReach(facts),
    ...judgeRouters(facts),
    ...judgeDisks(facts),
  ];
}

function judgeErrors({ app, traffic }: AppFacts): Finding[] {
  if (!traffic || traffic.requests < LEAST_REQUESTS) return [];
  const share = traffic.errors / traffic.requests;
  if (share < SOME) return [];
  return [
    {
      level: share >= MANY ? "bad" : "warn",
      about: "failed requests",
      seen: `${traffic.errors} of ${traffic.requests} requests (${shareText(share)}) in the last ${spanText(traffic.seconds * 1000)} got a 5xx or no answer`,
      means: "People see errors. What the app itself says of them is in its log.",
      todo: `teal logs --since 10m -a ${app.name}`,
    },
  ];
}

/** An instance that does worse than the others, of which the app's own figures tell little. */
function judgeOneOfMany({ app, instances, answers }: AppFacts): Finding[] {
  const live = instances.filter(({ serves }) => serves === "live");
  const asked = live.flatMap((one) => {
    const counts = answers[one.id];
    return counts ? [{ name: `${one.process}.${one.index}`, ...counts }] : [];
  });
  return asked.flatMap((one): Finding[] => {
    const rest = { requests: 0, errors: 0 };
    for (const { name, requests, errors } of asked) {
      if (name === one.name) continue;
      rest.requests += requests;
      rest.errors += errors;
    }
    const [share, others] = [one.errors / one.requests, rest.errors / rest.requests];
    const enough = Math.min(one.requests, rest.requests) >= LEAST_REQUESTS;
    if (!enough || share < SOME || share < WORSE * others) return [];
    return [
      {
        level: share >= MANY ? "bad" : "warn",
        about: `failed requests of ${one.name}`,
        seen: `${one.errors} of ${one.requests} (${shareText(share)}) got a 5xx or no answer; of the other instances ${rest.errors} of ${rest.requests}`,
        means: "It is this instance that is not well, and not the version that they all run.",
        todo: `teal logs --ps ${one.name} -n 50 -a ${app.name}`,
      },
    ];
  });
}

function judgeSlow({ app, traffic, instances }: AppFacts): Finding[] {
  const { p50 = 0, p99 = 0, requests = 0 } = traffic ?? {};
  if (requests < LEAST_REQUESTS || p99 < SLOW_MS) return [];
  const web = instances.filter((one) => one.process === "web" && one.serves === "live").length;
  return [
    {
      level: p50 >= SLOW_MS ? "bad" : "warn",
      about: "slow answers",
      seen: `1 of 100 begins after ${Math.round(p99)} ms or more, half after ${Math.round(p50)} ms`,
      means:
        "Requests wait: for the processor, for something that the app asks, or for each other.",
      todo: `teal ps:scale web=${web + 1} -a ${app.name}`,
    },
  ];
}

function judgeReach({ app, routers, instances, settings }: AppFacts): Finding[] {
  if (settings.options.stopped) return [];
  const live = instances.filter(({ serves, process }) => serves === "live" && process === "web");
  const down = live.filter(({ id }) => routers.down.includes(id));
  if (down.length === 0) return [];
  const names = down.map(({ process, index }) => `${process}.${index}`);
  return [
    {
      level: down.length === live.length ? "bad" : "warn",
      about: "instances that took no connection",
      seen: `${names.join(", ")}: ${down.length} of ${live.length}; passed over ${routers.ejections} times, ${routers.refused} requests refused since the routers started`,
      means:
        down.length === live.length
          ? "Nothing takes the app's requests: they wait, and get a 502 or 503."
          : "Routers send everything to the others, which have more to do.",
      todo: `teal ps:inspect ${names[0]} -a ${app.name}`,
    },
  ];
}

function judgeRouters({ behind, routers }: AppFacts): Finding[] {
  const found: Finding[] = [];
  if (behind.length > 0) {
    found.push({
      level: "warn",
      about: "routers that are behind",
      seen: `${behind.length}: ${behind.join(", ")}`,
      means: "They have not heard of the app's newest route, and send requests by an older one.",
      todo: "teal status",
    });
  }
  if (routers.silent > 0) {
    found.push({
      level: "warn",
      about: "routers that do not answer",
      seen: `${routers.silent} of ${routers.silent + routers.answering} on this machine`,
      means: "One that was killed left its socket behind, or one does not get to answering.",
      todo: "teal status",
    });
  }
  return found;
}

function judgeDisks({ app, look }: AppFacts): Finding[] {
  return (look?.disks ?? []).flatMap(({ source, target, used, whole, size, free }): Finding[] => {
    const share = size === 0 ? 0 : 1 - free / size;
    if (share < NEAR_DISK) return [];
    return [
      {
        level: share >= FULL_DISK ? "bad" : "warn",
        about: `disk of ${source}`,
        seen: `${shareText(share)} full, ${bytesText(free)} free; ${source} holds ${whole ? "" : "more than "}${bytesText(used)}`,
        means: "When it is full, whatever the app writes there fails.",
        todo: `teal run 'du -sh ${target}/*' -a ${app.name}`,
      },
    ];
  });
}
