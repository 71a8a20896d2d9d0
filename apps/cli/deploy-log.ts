import type { LogLine } from "../deploy-log.ts";
import { readMoment } from "../moment.ts";
import type { Client } from "./client.ts";
import type { Input } from "./command.ts";
import { follow, printLine } from "./deploys.ts";
import { wrongUsage } from "./parse.ts";

/** At most so many come at once. */
const BATCH = 10_000;

/** The log of the deploy that `--deploy` names: all of it, or what the other options leave of it. */
export async function showDeployLog({ options, client, out }: Input): Promise<void> {
  for (const name of ["ps", "release", "source"]) {
    if (options[name] === undefined) continue;
    const detail = `'--deploy' shows a deploy's own log, which '--${name}' says nothing about`;
    throw wrongUsage(detail, { name: "logs" });
  }
  const wanted = readWanted(options);
  const newest = options["num"] === undefined ? Infinity : readNumber(options);
  const api = await client();
  const id = String(options["deploy"]);
  if (options["follow"] && newest === Infinity) return follow(api, id, out, { wanted });
  const all = await readAll(api, id);
  const lines = newest === 0 ? [] : all.filter(wanted).slice(-newest);
  if (out.json && !options["follow"]) return out.value(lines);
  for (const line of lines) {
    if (out.json) out.line(JSON.stringify(line));
    else printLine(line, out);
  }
  if (!options["follow"]) return;
  const last = all.at(-1)?.id;
  await follow(api, id, out, { wanted, ...(last !== undefined && { after: last }) });
}

/** `-n`, 100 unless given. @throws wrong-usage */
export function readNumber(options: Input["options"]): number {
  const number = options["num"] ?? "100";
  if (typeof number === "string" && /^\d{1,5}$/.test(number) && Number(number) <= 10_000) {
    return Number(number);
  }
  throw wrongUsage(`'-n' takes a number up to 10000, and '${number}' came`, { name: "logs" });
}

function readWanted({ grep, since }: Input["options"]): (line: LogLine) => boolean {
  const from = typeof since === "string" ? readMoment(since, Date.now()) : 0;
  return ({ at, text }) => at >= from && (typeof grep !== "string" || text.includes(grep));
}

async function readAll(api: Client, id: string): Promise<LogLine[]> {
  const all: LogLine[] = [];
  for (;;) {
    const last = all.at(-1)?.id;
    const query = `limit=${BATCH}${last === undefined ? "" : `&after=${last}`}`;
    const path = `/deploys/${encodeURIComponent(id)}/log?${query}`;
    const { lines } = await api.get<{ lines: LogLine[] }>(path);
    all.push(...lines);
    if (lines.length < BATCH) return all;
  }
}
