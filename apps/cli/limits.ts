import { COMMAND_S, graceOf, PIDS, type ProcessRuntime, type Runtime } from "../runtime.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { readPairs } from "./dotenv.ts";
import type { Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

const WORDS: Record<string, keyof ProcessRuntime> = {
  ...{
    memory: "memory",
    cpus: "cpus",
    pids: "pids",
    grace: "grace",
    time: "time",
    "read-only": "readOnly",
  },
};
const MIB: Record<string, number> = { "": 1, M: 1, G: 1024 };

export async function showLimits({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/runtime`;
  const { runtime } = await (await client()).get<{ runtime: Runtime }>(path);
  if (out.json) return out.value(runtime);
  const rows = Object.entries(runtime).map(([type, told]): Cell[] => [
    type,
    told.memory === undefined ? "a quarter of the machine's" : `${told.memory} MiB`,
    told.cpus === undefined ? "an equal share" : String(told.cpus),
    String(told.pids ?? PIDS),
    told.readOnly ? "yes" : "no",
    `${graceOf(told)} s`,
    type === "release" ? `${told.time ?? COMMAND_S} s` : "",
  ]);
  if (rows.length === 0) return out.line("Every process type has the platform's defaults.");
  out.table(["PROCESS", "MEMORY", "CPUS", "PIDS", "READ-ONLY", "GRACE", "TIME"], rows);
}

/** `web.memory=512M web.cpus=0.5 worker.grace=60`; nothing behind the = is the default again. */
export async function setLimits(input: Input): Promise<void> {
  const runtime: Record<string, Record<string, unknown>> = {};
  for (const [name, text] of Object.entries(readPairs(input.args, "limits:set"))) {
    const [, type = "", word = ""] = /^([\w-]+)\.([a-z-]+)$/.exec(name) ?? [];
    const field = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    if (!field) throw bad(`TYPE.LIMIT=VALUE, with one of ${Object.keys(WORDS).join(", ")}`);
    runtime[type] = { ...runtime[type], [field]: text === "" ? null : readValue(field, text) };
  }
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}/runtime`;
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, { runtime });
  await followChange(input, client, deploy, `${app} has it so when a first version is pushed.`);
}

function readValue(field: keyof ProcessRuntime, text: string): number | boolean {
  if (field === "readOnly") {
    if (text === "on" || text === "off") return text === "on";
    throw bad("read-only=on or read-only=off");
  }
  if (field === "memory") {
    const [, number, unit = ""] = /^(\d{1,7})([MG]?)i?B?$/i.exec(text) ?? [];
    const scale = MIB[unit.toUpperCase()];
    if (number === undefined || scale === undefined) throw bad("memory such as 512M or 2G");
    return Number(number) * scale;
  }
  const value = Number(text);
  if (!Number.isFinite(value)) throw bad(`a number for ${field}`);
  return value;
}

function bad(expected: string) {
  return wrongUsage(`${expected} was expected`, { name: "limits:set" });
}
