import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { CLI, compileCache } from "./run-cli.ts";

interface Spoken {
  code: number;
  out: string;
  err: string;
}

/** The command line against a platform of the tests. */
export function createTeal(platform: { apiUrl: string; adminToken(): string; home: string }) {
  const run = (args: string[], more: Record<string, string>): ChildProcess => {
    const env = {
      PATH: process.env["PATH"] ?? "",
      ...compileCache(),
      HOME: platform.home,
      TEAL_URL: platform.apiUrl,
      TEAL_TOKEN: platform.adminToken(),
      ...more,
    };
    return spawn(process.execPath, [CLI, ...args], { cwd: "/", env, stdio: "pipe" });
  };
  const start = (...args: string[]): ChildProcess => run(args, {});
  return {
    start,
    /** Runs a command to its end; `input` is its standard input, `env` comes on top. */
    async teal(args: string[], input = "", env: Record<string, string> = {}): Promise<Spoken> {
      const child = run(args, env);
      let [out, err] = ["", ""];
      child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.stdin?.end(input);
      const [code] = (await once(child, "close")) as [number | null];
      return { code: code ?? 255, out, err };
    },
  };
}
