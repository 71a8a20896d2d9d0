import { bytesText, spanText } from "../amounts.ts";
import type { ResourceRow } from "../app-resources.ts";
import type { Finding, Level } from "../findings.ts";
import type { Inspected } from "../inspect.ts";
import { statusOf } from "../views.ts";
import type { Input } from "./command.ts";
import { ago, type Cell, colourCell, type Output } from "./output.ts";
import { wrongUsage } from "./parse.ts";

interface Diagnosis {
  app: string;
  findings: Finding[];
  resources: ResourceRow[];
}

const MARKS: Record<Level, Cell & object> = {
  bad: { text: "✗", paint: "red" },
  warn: { text: "!", paint: "yellow" },
  note: { text: "·", paint: "grey" },
};

/** Exit code 1 when something is bad. */
export async function diagnose(input: Input): Promise<void> {
  const { client, out } = input;
  const path = `/apps/${encodeURIComponent(await appOf(input))}/doctor`;
  const diagnosis = await (await client()).get<Diagnosis>(path);
  if (diagnosis.findings.some(({ level }) => level === "bad")) process.exitCode = 1;
  if (out.json) return out.value(diagnosis);
  const { app, findings, resources } = diagnosis;
  if (findings.length === 0) out.line(`All is well with ${app}.`);
  for (const one of findings) sayFinding(out, one);
  out.line();
  out.table(
    ["RESOURCE", "UTILISATION", "SATURATION", "ERRORS"],
    resources.map((one) => [one.resource, one.utilisation, one.saturation, one.errors]),
  );
}

async function appOf({ args, options, app }: Input): Promise<string> {
  const [named] = args;
  if (named === undefined) return app();
  const said = options["app"];
  if (said === undefined || said === named) return named;
  throw wrongUsage(`One app was expected, and both ${named} and ${String(said)} came`, {
    name: "doctor",
  });
}

function sayFinding(out: Output, { level, about, seen, means, todo }: Finding): void {
  const { text, paint } = MARKS[level];
  out.line(`${out.paint(text, paint)} ${out.foreign(`${about}: ${seen}`)}`);
  out.line(`  ${out.foreign(means)}`);
  out.line(`  ${out.paint(out.foreign(todo), "bold")}`);
}

export async function inspect({ app, args, client, out }: Input): Promise<void> {
  const one = args[0] === undefined ? "" : `?ps=${encodeURIComponent(args[0])}`;
  const path = `/apps/${encodeURIComponent(await app())}/inspect${one}`;
  const { instances } = await (await client()).get<{ instances: Inspected[] }>(path);
  if (out.json) return out.value(instances);
  if (instances.length === 0) return out.line("Nothing runs.");
  for (const [at, instance] of instances.entries()) {
    if (at > 0) out.line();
    out.facts([...recordOf(instance), ...containerOf(instance)]);
  }
}

function recordOf(one: Inspected): [string, Cell][] {
  return [
    ["instance", `${one.process}.${one.index} (${one.id})`],
    ["colour", colourCell(one.colour)],
    ["release", `v${one.as}${one.as === one.release ? "" : `, started for v${one.release}`}`],
    ["status", statusOf(one)],
    ["address", one.host === undefined ? "-" : `${one.host}:${one.port ?? ""}`],
    ["requests", requestsCell(one.answers)],
    ["crashes", one.crashes > 0 ? `${one.crashes}: ${one.lastCrash ?? ""}` : "0"],
  ];
}

function requestsCell({ requests, errors }: Inspected["answers"]): Cell {
  const says = `${requests} in the last 5 minutes, ${errors} failed`;
  return errors > 0 ? { text: says, paint: "red" } : says;
}

function containerOf({ container, checks }: Inspected): [string, Cell][] {
  if (!container) return [["container", { text: "none", paint: "red" }]];
  const { limits, usage, mounts, env } = container;
  const limit = (value: number, text: string) => (value === 0 ? "no limit of its own" : text);
  const state = container.running
    ? `runs for ${spanText(Date.now() - container.startedAt)}`
    : `ended with status ${container.exitCode}${container.outOfMemory ? ", for lack of memory" : ""}`;
  return [
    [
      "container",
      `${state}, started ${ago(container.startedAt)}, restarted ${container.restarts} times`,
    ],
    ["image", container.image],
    [
      "memory",
      `${usage ? bytesText(usage.memory) : "-"} of ${limit(limits.memory, bytesText(limits.memory))}`,
    ],
    [
      "processors",
      `${usage ? usage.cpus.toFixed(2) : "-"} of ${limit(limits.cpus, String(limits.cpus))}`,
    ],
    ["processes", `${usage?.pids ?? "-"} of ${limit(limits.pids, String(limits.pids))}`],
    ...mounts.map(({ source, target, writable }): [string, Cell] => [
      "storage",
      `${source}:${target}${writable ? "" : " (read only)"}`,
    ]),
    ...checks.map(({ type, what, healthy, says }): [string, Cell] => [
      "check",
      { text: `${type}, ${what}: ${says}`, paint: healthy ? "green" : "red" },
    ]),
    ["environment", env.join(" ")],
  ];
}
