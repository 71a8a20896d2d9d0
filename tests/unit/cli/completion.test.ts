import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { completion } from "../../../apps/cli/completion.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { optionsOf } from "../../../apps/cli/help.ts";
import { manPage } from "../../../apps/cli/man.ts";
import type { Input } from "../../../apps/cli/command.ts";

async function scriptOf(shell: string): Promise<string> {
  let said = "";
  const out = { json: false, line: (text = "") => void (said += text) };
  await completion({ args: [shell], options: {}, out } as unknown as Input, COMMANDS);
  return said;
}

test("bash completes commands, also behind their colon, and the options of each", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "teal-completion-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "teal.bash");
  writeFileSync(file, await scriptOf("bash"));
  const completeAll = (lines: string[]) => {
    const script =
      'source "$1"; shift; for l; do COMP_LINE=$l COMP_POINT=${#l}; _teal; echo "${COMPREPLY[@]}"; done';
    const args = ["--norc", "-c", script, "bash", file, ...lines];
    const said = execFileSync("bash", args, { encoding: "utf8" }).trimEnd();
    return said.split("\n").map((line) => line.split(" ").filter(Boolean));
  };
  const complete = (line: string) => completeAll([line])[0] ?? [];
  t.deepEqual(complete("teal apps:cr"), ["create"]);
  t.deepEqual(complete("teal rollb"), ["rollback"]);
  t.deepEqual(complete("teal roll").toSorted(), ["rollback"]);
  const names = COMMANDS.map((one) => one.name);
  t.deepEqual(complete("teal ").toSorted(), names.toSorted());
  t.deepEqual(complete("teal help roll"), ["rollback"]);
  const some = COMMANDS.filter((one) => one.name !== "help");
  const found = completeAll(some.map((one) => `teal ${one.name} --`));
  for (const [i, command] of some.entries()) {
    const flags = Object.keys(optionsOf(command)).map((name) => `--${name}`);
    t.deepEqual(found[i]?.toSorted(), flags.toSorted(), command.name);
  }
  t.deepEqual(complete("teal --json releases --li"), ["--limit"]);
});

test("zsh and fish are told every command and option", async (t) => {
  const [zsh, fish] = [await scriptOf("zsh"), await scriptOf("fish")];
  for (const command of COMMANDS) {
    t.true(zsh.includes(`'${command.name.replaceAll(":", "\\:")}:`), command.name);
    t.true(fish.includes(`-a '${command.name}'`), command.name);
    for (const name of Object.keys(optionsOf(command))) {
      t.true(fish.includes(`__fish_seen_subcommand_from ${command.name}' -l ${name}`), name);
      t.true(zsh.includes(`'--${name}:`), name);
    }
  }
  for (const line of fish.split("\n")) t.is(line.split("'").length % 2, 1, line);
});

test("zsh loads its completion, and fish completes with its own", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "teal-completion-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const shell of ["zsh", "fish"]) writeFileSync(join(dir, shell), await scriptOf(shell));
  const env = { PATH: process.env["PATH"], HOME: dir };
  const say = (shell: string, ...args: string[]) =>
    execFileSync(shell, args, { env, encoding: "utf8", cwd: dir }).trimEnd();
  const load =
    'autoload -Uz compinit && compinit -u && source ./zsh && print -r -- "$_comps[teal]"';
  t.is(say("zsh", "-fc", load), "_teal");
  const complete = (line: string) => say("fish", "-c", `source ./fish; complete -C '${line}'`);
  t.regex(complete("teal rollb"), /^rollback\t/);
  t.regex(complete("teal rollback --run"), /^--run-release\t/);
});

test("the manual page has every command with its options, in clean roff", (t) => {
  const page = manPage(COMMANDS);
  for (const command of COMMANDS)
    t.true(page.includes(`\\fB${command.name.replaceAll("-", "\\-")}\\fR`), command.name);
  for (const line of page.split("\n"))
    t.regex(line, /^(?:\.(?:TH|SH|TP|B|RS|RE)(?: .*)?|[^.'].*|)$/, line);
  t.is(page.split("\n.RS\n").length, page.split("\n.RE\n").length);
});
