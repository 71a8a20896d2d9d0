import { bytesText, shareText, spanText } from "./amounts.ts";
import type { AppFacts } from "./app-facts.ts";
import type { ContainerLook } from "./app-look.ts";

/** What an app takes of something, how much of it is waited for, and what went wrong with it; "-": nothing to say. */
export interface ResourceRow {
  resource: string;
  utilisation: string;
  saturation: string;
  errors: string;
}

/** Every resource of an app, whether something is wrong with it or not. */
export function resourcesOf(facts: AppFacts): ResourceRow[] {
  const { instances, look } = facts;
  const rows = instances.flatMap(({ id, process, index, serves, colour }) => {
    const container = look?.instances.find((one) => one.id === id)?.container;
    if (!container?.usage || serves === null) return [];
    const name = `${process}.${index}${serves === "live" ? "" : ` (${colour})`}`;
    const killed = facts.crashes.filter((it) => it.instance === id && it.cause === "memory");
    return ofContainer(name, container, killed.length);
  });
  return [...rows, ...ofAnswers(facts), ...ofDisks(facts), ofLogs(facts), ofRouters(facts)];
}

function ofContainer(
  name: string,
  { usage, limits }: ContainerLook,
  killed: number,
): ResourceRow[] {
  if (!usage) return [];
  const of = (used: number, limit: number, text: (value: number) => string = String) =>
    limit === 0 ? text(used) : `${text(used)} of ${text(limit)} (${shareText(used / limit)})`;
  const periods = `throttled in ${usage.throttled} of ${usage.periods} periods`;
  return [
    {
      resource: `processor of ${name}`,
      utilisation: of(Math.round(usage.cpus * 100) / 100, limits.cpus),
      saturation: usage.periods > 0 ? periods : "-",
      errors: "-",
    },
    {
      resource: `memory of ${name}`,
      utilisation: of(usage.memory, limits.memory, bytesText),
      saturation: "-",
      errors: `${killed} killed in the last hour`,
    },
    {
      resource: `processes of ${name}`,
      utilisation: of(usage.pids, limits.pids),
      saturation: "-",
      errors: "-",
    },
  ];
}

/** Of instances that requests were sent to. */
function ofAnswers({ instances, answers, traffic }: AppFacts): ResourceRow[] {
  return instances.flatMap(({ id, process, index, serves, colour }) => {
    const counts = answers[id];
    if (!counts || serves === null) return [];
    const seconds = traffic?.seconds ?? 0;
    return {
      resource: `requests of ${process}.${index}${serves === "live" ? "" : ` (${colour})`}`,
      utilisation: seconds > 0 ? `${(counts.requests / seconds).toFixed(1)} requests/s` : "-",
      saturation: "-",
      errors: `${counts.errors} of ${counts.requests} failed`,
    };
  });
}

function ofDisks({ look }: AppFacts): ResourceRow[] {
  return (look?.disks ?? []).map(({ source, used, whole, size, free }) => ({
    resource: `disk of ${source}`,
    utilisation: `${whole ? "" : "more than "}${bytesText(used)}`,
    saturation: `its disk is ${shareText(size === 0 ? 0 : 1 - free / size)} full`,
    errors: "-",
  }));
}

function ofLogs({ logs: { used, budget } }: AppFacts): ResourceRow {
  const utilisation = `${bytesText(used)} of ${bytesText(budget)} (${shareText(used / budget)})`;
  return { resource: "logs", utilisation, saturation: "-", errors: "-" };
}

function ofRouters({ traffic, routers }: AppFacts): ResourceRow {
  const { open, held, ejections, refused, lost } = routers;
  const rate = traffic && traffic.seconds > 0 ? traffic.requests / traffic.seconds : 0;
  const times = traffic?.p99 === undefined ? "" : `, p50 ${traffic.p50} ms, p99 ${traffic.p99} ms`;
  const failed = traffic
    ? `${traffic.errors} of ${traffic.requests} failed in ${spanText(traffic.seconds * 1000)}; `
    : "";
  return {
    resource: "router",
    utilisation: `${rate.toFixed(1)} requests/s${times}`,
    saturation: `${open} in flight, ${held} waited for a swap`,
    errors: `${failed}${refused} refused, ${lost} lost, ${ejections} ejections`,
  };
}
