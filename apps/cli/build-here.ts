import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { changeBuild } from "../build-options.ts";
import { Refusal } from "./client.ts";
import type { Input } from "./command.ts";
import { readPairs } from "./dotenv.ts";
import { wrongUsage } from "./parse.ts";

const COMMAND = { name: "build" };
const PROGRAM = join(import.meta.dirname, "..", "..", "workers", "build-here.ts");

/** What the builder's process writes, a JSON object in a line. */
type Said =
  | { kind: string; text: string }
  | {
      image: string;
      imageBytes: number;
      tag: string;
      processes: Record<string, string>;
      port: number;
    }
  | { error: { code: string; says: string; todo: string } };

/**
 * Builds a folder with the engine of this machine, as the platform would, and deploys nothing.
 * The builder is a process of its own: the command line itself never talks to the engine.
 */
export async function buildHere({ args, options, out }: Input): Promise<void> {
  if (process.env["TEAL_OVER_SSH"])
    throw wrongUsage("'teal build DIR' builds a folder of your own machine", COMMAND);
  const dir = resolve(args[0] ?? ".");
  const found = await stat(dir).catch(() => null);
  if (!found?.isDirectory()) throw wrongUsage(`A folder was expected, and ${dir} is none`, COMMAND);
  const set = typeof options["set"] === "string" ? options["set"].split(",") : [];
  const wish = {
    dir,
    options: changeBuild({}, { set: readPairs(set, "build"), unset: [] }) ?? {},
    fresh: options["no-cache"] === true,
    verbose: options["verbose"] === true,
    ...(typeof options["tag"] === "string" && { tag: options["tag"] }),
  };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(wish)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as Said;
    if ("error" in said) {
      const { code, says, todo } = said.error;
      throw new Refusal({ title: code, detail: says, todo, status: 422 });
    }
    if (!("image" in said)) {
      // With --json only the outcome is for standard output.
      if (!out.json)
        out.line(`${said.kind === "step" ? "-----> " : "       "}${out.foreign(said.text)}`);
    } else if (out.json) out.value(said);
    else {
      out.facts([
        ["image", said.image],
        ["tag", said.tag],
        ["size", `${(said.imageBytes / 1e6).toFixed(1)} MB`],
        ["port", String(said.port)],
        ...Object.entries(said.processes).map(([name, command]): [string, string] => [
          name,
          command || "the image's own command",
        ]),
      ]);
    }
  }
  const [code] = (await ended) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
