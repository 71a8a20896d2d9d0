import { type Retention, RETENTION_RANGES, type RetentionLimits } from "../retention.ts";
import type { Input } from "./command.ts";
import { readPairs } from "./dotenv.ts";
import { wrongUsage } from "./parse.ts";

export async function showRetention(input: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await input.app())}/retention`;
  show(input, await (await input.client()).get<RetentionLimits>(path));
}

/** `keep=20 days=90`; an empty value, `days=`, is the default again. */
export async function setRetention(input: Input): Promise<void> {
  const pairs = Object.entries(readPairs(input.args, "retention:set"));
  const body = Object.fromEntries(pairs.map(([name, text]) => [name, readLimit(name, text)]));
  const path = `/apps/${encodeURIComponent(await input.app())}/retention`;
  show(input, await (await input.client()).post<RetentionLimits>(path, body));
}

function readLimit(name: string, text: string): number | null {
  const range = Object.hasOwn(RETENTION_RANGES, name) && RETENTION_RANGES[name as keyof Retention];
  if (!range) throw wrongUsage("One of keep, days was expected", { name: "retention:set" });
  if (text === "") return null;
  const [least, most] = range;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const says = `${name} is a whole number from ${least} to ${most}`;
  throw wrongUsage(says, { name: "retention:set" });
}

function show({ out }: Input, limits: RetentionLimits): void {
  if (out.json) return out.value(limits);
  const { keep, days } = limits;
  out.facts([
    ["keep", `the newest ${keep} good releases`],
    ["days", days === null ? "however old they are" : `not older than ${days} days`],
  ]);
  out.line("What is live, warm or held is kept in any case.");
}
