/** Entry of the launcher's own commands: those that work without a running platform. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { addressLines } from "./addresses.ts";
import { demo, demoLines } from "./demo.ts";
import { doctor, findingLines } from "./doctor.ts";
import { down } from "./down.ts";
import { readPlatform, type Platform } from "./environment.ts";
import { PlatformError } from "./failure.ts";
import { createProgress } from "./progress.ts";
import { reload } from "./reload.ts";
import { readStatus, statusLines } from "./status.ts";
import { testAll } from "./test.ts";
import { up } from "./up.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const progress = createProgress(process.stdout);
const print = (lines: readonly string[]): void => console.log(lines.join("\n"));

/** Each command: its options, and what it does; the answer is the exit status. */
const commands: Record<string, (args: string[]) => Promise<number>> = {
  async up(args) {
    const { values } = options(args, { "no-base": { type: "boolean" } });
    const platform = await readPlatform(root);
    sayRemembered(platform);
    const changes = await up(platform, { progress, base: values["no-base"] !== true });
    print(["", ...upLines(platform, changes)]);
    return 0;
  },

  async down(args) {
    options(args, {});
    const stopped = await down(await readPlatform(root), progress);
    print([
      stopped.length > 0
        ? `Stopped ${stopped.join(", ")}. Apps' containers and data were left as they are.`
        : "Nothing runs: nothing was stopped.",
    ]);
    return 0;
  },

  async status(args) {
    const { values } = options(args, { json: { type: "boolean" } });
    const status = await readStatus(await readPlatform(root));
    print(values.json ? [JSON.stringify(status, null, 2)] : statusLines(status));
    return status.up ? 0 : 1;
  },

  async "router:reload"(args) {
    const { values } = options(args, { json: { type: "boolean" } });
    const quiet = createProgress({ write: () => undefined });
    const routers = await reload(await readPlatform(root), values.json ? quiet : progress);
    print(
      values.json
        ? [JSON.stringify({ routers }, null, 2)]
        : routers.map(({ name, ms }) => `${name} replaced in ${(ms / 1000).toFixed(1)} s`),
    );
    return 0;
  },

  async doctor(args) {
    const { values } = options(args, { json: { type: "boolean" } });
    const findings = await doctor(await readPlatform(root));
    print(values.json ? [JSON.stringify(findings, null, 2)] : findingLines(findings));
    return findings.some((finding) => finding.level === "bad") ? 1 : 0;
  },

  async demo(args) {
    const { values } = options(args, { json: { type: "string" }, app: { type: "string" } });
    const platform = await readPlatform(root);
    sayRemembered(platform);
    await up(platform, { progress, base: true });
    const figures = await demo(platform, { progress, app: values.app ?? "shop" });
    print(["", ...demoLines(figures)]);
    if (values.json) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
    return figures.requests.lost === 0 ? 0 : 1;
  },

  test: async (args) => testAll({ root, args, progress }),
};

function options<T extends NonNullable<ParseArgsConfig["options"]>>(args: string[], wanted: T) {
  try {
    return parseArgs({ args, options: wanted, strict: true, allowPositionals: false });
  } catch (error) {
    throw Object.assign(new PlatformError((error as Error).message), { exit: 2 });
  }
}

function sayRemembered({ remembered, given }: Platform): void {
  if (remembered.length === 0) return;
  const list = remembered.map((name) => (name.includes("URL") ? name : `${name}=${given[name]}`));
  progress.line(`Settings of the last 'teal up': ${list.join(" ")}  (NAME= forgets one)`);
}

function upLines(platform: Platform, changes: readonly string[]): string[] {
  return [
    changes.length > 0
      ? `Teal is up: ${changes.join("; ")}.`
      : "Teal was up already: nothing was changed.",
    "",
    ...addressLines(platform.settings),
  ];
}

/** Runs one command and gives its exit status: 0 done, 1 failed, 2 wrong usage. */
async function main([name = "", ...args]: string[]): Promise<number> {
  const command = commands[name];
  if (!command) {
    console.error(`teal: ${name} is not one of ${Object.keys(commands).join(", ")}.`);
    return 2;
  }
  try {
    return await command(args);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    console.error(`teal ${name}: ${error.message}`);
    return "exit" in error ? Number(error.exit) : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
