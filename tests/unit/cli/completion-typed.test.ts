import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import test from "ava";
import { CLI } from "../../support/run-cli.ts";

const PROMPT = "READY>";

/** How each begins, and the file that it reads then; completion is loaded as the manual says. */
const SHELLS = {
  bash: {
    command: "bash --rcfile rc -i",
    file: "rc",
    load: `PS1='${PROMPT} '\nsource <(teal completion bash)\n`,
  },
  zsh: {
    command: "zsh -i",
    file: ".zshrc",
    load: `PS1='${PROMPT} '\nautoload -Uz compinit; compinit -u\nsource <(teal completion zsh)\n`,
  },
  fish: {
    command: "fish --no-config -C 'source rc' -i",
    file: "rc",
    load: `function fish_prompt; printf '${PROMPT} '; end\nteal completion fish | source\n`,
  },
} as const;

/** Types lines into a shell on a terminal of its own; what `teal` was given by each. */
async function typed(shell: keyof typeof SHELLS, lines: string[]): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), "teal-typed-"));
  const file = join(dir, "teal");
  const tell = `[ "$1" = completion ] && exec ${process.execPath} ${CLI} "$@"\necho "[got $*]"`;
  writeFileSync(file, `#!/bin/sh\n${tell}\n`);
  chmodSync(file, 0o755);
  const { command, file: rc, load } = SHELLS[shell];
  writeFileSync(join(dir, rc), load);
  const env = { PATH: `${dir}:${process.env["PATH"]}`, HOME: dir, TERM: "xterm", LANG: "C.UTF-8" };
  const child = spawn("script", ["-qefc", command, "/dev/null"], { env, cwd: dir });
  const ended = once(child, "close");
  let said = "";
  child.stdout.on("data", (part: Buffer) => (said += part.toString()));
  const until = async (what: string, from: number) => {
    for (let tries = 0; tries < 200; tries++) {
      if (stripVTControlCharacters(said.slice(from)).includes(what)) return;
      await sleep(50);
    }
    throw new Error(`${shell} did not say ${what}: ${JSON.stringify(said)}`);
  };
  /** Until nothing more was said for half a second: what is completed is said in parts. */
  const quiet = async () => {
    for (let before = -1; before !== said.length;) {
      before = said.length;
      await sleep(500);
    }
  };
  try {
    await until(PROMPT, 0);
    const got: string[] = [];
    for (const line of lines) {
      const from = said.length;
      child.stdin.write(`${line}\t`);
      await quiet();
      child.stdin.write("\n");
      await until("[got ", from);
      await until(PROMPT, said.lastIndexOf("[got "));
      got.push(/\[got (.*?) ?\]/.exec(stripVTControlCharacters(said.slice(from)))?.[1] ?? "");
    }
    return got;
  } finally {
    child.stdin.end("exit\n");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(late);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

for (const shell of ["bash", "zsh", "fish"] as const) {
  test(`somebody who types into ${shell} has commands and options completed by the tab key`, async (t) => {
    t.timeout(60_000);
    const given = await typed(shell, [
      "teal rollb",
      "teal apps:cr",
      "teal rollback --run-r",
      "teal --json releases --li",
      "teal help domains:a",
    ]);
    t.deepEqual(given, [
      "rollback",
      "apps:create",
      "rollback --run-release",
      "--json releases --limit",
      "help domains:add",
    ]);
  });
}
