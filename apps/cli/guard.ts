import type { Crash } from "../crashes.ts";
import { GUARD_DEFAULTS, GUARD_RANGES, type GuardLimits, type Watch } from "../guard.ts";
import type { Input } from "./command.ts";
import { readPairs } from "./dotenv.ts";
import { ago, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

interface Answer {
  limits: GuardLimits | null;
  watch: Watch | null;
}

export async function showGuard(input: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await input.app())}/guard`;
  show(input, await (await input.client()).get<Answer>(path));
}

/** `window=60 errors=5`; an empty value, `errors=`, is the default again. */
export async function setGuard(input: Input): Promise<void> {
  const pairs = Object.entries(readPairs(input.args, "guard:set"));
  const body = pairs.map(([name, text]) => [name, readLimit(name, text)]);
  await change(input, Object.fromEntries(body));
}

export async function switchGuard(input: Input, on: boolean): Promise<void> {
  await change(input, { off: !on });
}

async function change(input: Input, body: object): Promise<void> {
  const path = `/apps/${encodeURIComponent(await input.app())}/guard`;
  show(input, await (await input.client()).post<Answer>(path, body));
}

function readLimit(name: string, text: string): number | null {
  const range = Object.hasOwn(GUARD_RANGES, name) && GUARD_RANGES[name as keyof GuardLimits];
  const names = Object.keys(GUARD_DEFAULTS).join(", ");
  if (!range) throw wrongUsage(`One of ${names} was expected`, { name: "guard:set" });
  if (text === "") return null;
  const value = Number(text);
  const [least, most] = range;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const says = `${name} is a whole number from ${least} to ${most}`;
  throw wrongUsage(says, { name: "guard:set" });
}

function show({ out }: Input, answer: Answer): void {
  if (out.json) return out.value(answer);
  const { limits, watch } = answer;
  out.facts([
    ["guard", limits ? "on" : { text: "off", paint: "yellow" }],
    ...(limits ? limitRows(limits) : []),
    ...(watch ? watchRows(watch) : []),
  ]);
}

function limitRows(limits: GuardLimits): [string, Cell][] {
  return [
    ["window", `${limits.window} s`],
    ["errors", `${limits.errors} more of 100 answers than before`],
    ["slow", `${limits.slow} more of 100 answers than before`],
    ["crashes", String(limits.crashes)],
    ["requests", `${limits.requests} at least, before and since`],
  ];
}

function watchRows({ release, against, state, why, until, endedAt }: Watch): [string, Cell][] {
  const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
  const says = {
    watching: `is watched against v${against}, ${left} s to go`,
    passed: `passed ${ago(endedAt ?? until)}: ${why ?? ""}`,
    tripped: `was swapped back to v${against} ${ago(endedAt ?? until)}: ${why ?? ""}`,
    moot: `ended ${ago(endedAt ?? until)}: ${why ?? ""}`,
  }[state];
  return [[`v${release}`, state === "tripped" ? { text: says, paint: "red" } : says]];
}

export async function listCrashes({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/crashes`;
  const { crashes } = await (await client()).get<{ crashes: (Crash & { says: string })[] }>(path);
  if (out.json) return out.value(crashes);
  if (crashes.length === 0) return out.line("Nothing has crashed.");
  const rows = crashes.map((one): Cell[] => [
    ago(one.at),
    `v${one.release}`,
    one.says,
    one.instance,
  ]);
  out.table(["WHEN", "RELEASE", "WHAT", "INSTANCE"], rows, 2);
}
