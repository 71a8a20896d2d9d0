import type { Input } from "./command.ts";
import { readPairs } from "./dotenv.ts";

/** With a folder: builds it here. Without: shows the app's build options. */
export async function build(input: Input): Promise<void> {
  if (input.args[0] !== undefined) return (await import("./build-here.ts")).buildHere(input);
  const path = await pathOf(input);
  const { build: options } = await (
    await input.client()
  ).get<{ build: Record<string, string> }>(path);
  show(input, options);
}

export async function setOptions(input: Input): Promise<void> {
  await change(input, { set: readPairs(input.args, "build:set") });
}

export async function unsetOptions(input: Input): Promise<void> {
  await change(input, { unset: input.args });
}

export async function setEnv(input: Input): Promise<void> {
  await change(input, {
    set: Object.fromEntries(input.args.map((name) => [`env.${name}`, "on"])),
  });
}

export async function setBuildpacks(input: Input): Promise<void> {
  await change(input, { set: { buildpacks: input.args.join(" ") } });
}

export async function clearBuildpacks(input: Input): Promise<void> {
  await change(input, { unset: ["buildpacks"] });
}

async function change(
  input: Input,
  wish: { set?: Record<string, string>; unset?: string[] },
): Promise<void> {
  const path = await pathOf(input);
  const { build: options } = await (
    await input.client()
  ).post<{ build: Record<string, string> }>(path, wish);
  show(input, options);
}

async function pathOf(input: Input): Promise<string> {
  return `/apps/${encodeURIComponent(await input.app())}/build`;
}

function show({ out }: Input, options: Record<string, string>): void {
  if (out.json) return out.value(options);
  const rows = Object.entries(options);
  if (rows.length === 0)
    return out.line("No build options: it is built as its tree says ('teal build:plan').");
  out.facts(rows);
}
