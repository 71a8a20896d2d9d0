import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { apiRoutes } from "../../../apps/api/api.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { optionsOf, overview } from "../../../apps/cli/help.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { startApi } from "../../support/api.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PAGES = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
const read = (page: string) => readFileSync(join(ROOT, page), "utf8");

/** The lines of all blocks of code of a page. */
const codeOf = (page: string) =>
  read(page)
    .split(/^```.*$/m)
    .filter((_, i) => i % 2 === 1)
    .flatMap((block) => block.split("\n"));

/** Puts `lines` in the block of code under a heading, when told to; gives those that are there. */
function listed(page: string, heading: string, lines: string[]): string[] {
  const [before = "", after = ""] = read(page).split(`\n## ${heading}\n\n`);
  if (process.env["TEAL_UPDATE_DOCS"] === "1") {
    const rest = after.replace(/^[^]*?\n```\n/, "");
    const block = ["```", ...lines, "```", ""].join("\n");
    writeFileSync(join(ROOT, page), `${before}\n## ${heading}\n\n${block}${rest}`);
    return lines;
  }
  return after.split("```")[1]?.trim().split("\n") ?? [];
}

/** What a shell makes of a line of an example: no comment, no redirection, no pipe. */
function wordsOf(line: string): string[] {
  const [command = ""] = line.split(/ {2,}|\s+#|\s[<>|]\s/);
  return (command.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).slice(1);
}

test("docs/cli.md lists every command as the table has it (TEAL_UPDATE_DOCS=1 writes it)", (t) => {
  const lines = overview(COMMANDS)
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim());
  t.deepEqual(listed("docs/cli.md", "All commands", lines), lines);
});

test("docs/api.md lists every route as the table has it (TEAL_UPDATE_DOCS=1 writes it)", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const routes = apiRoutes(api.options).map(({ method, path, summary }) => {
    return [`${method.toUpperCase().padEnd(6)} ${path}`, summary] as const;
  });
  const width = Math.max(...routes.map(([way]) => way.length));
  const lines = routes.map(([way, summary]) => `${way.padEnd(width)}  ${summary}`);
  t.deepEqual(listed("docs/api.md", "All routes", lines), lines);
});

test("every command that the README and the docs show is one, with the options that it has", (t) => {
  const wrong: string[] = [];
  let shown = 0;
  for (const page of PAGES) {
    for (const line of codeOf(page).filter((one) => /^(\.\/)?teal [a-z]/.test(one))) {
      const words = wordsOf(line);
      const launcher = COMMANDS.find((one) => one.name === words[0] && !one.run);
      shown++;
      try {
        if (!launcher) parse(words, COMMANDS, optionsOf);
      } catch (error) {
        wrong.push(`${page}: ${line}: ${(error as Error).message}`);
      }
    }
  }
  t.deepEqual(wrong, []);
  t.true(shown > 80, `${shown} were found`);
});

test("every command that is named in a sentence is one", (t) => {
  const names = new Set(COMMANDS.map((one) => one.name));
  const wrong = PAGES.flatMap((page) =>
    [...read(page).matchAll(/`(?:\.\/)?teal ([a-z]+(?::[a-z]+)?)/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !names.has(name) && name !== "apps")
      .map((name) => `${page}: ${name}`),
  );
  t.deepEqual(wrong, []);
});

test("every command beside those of other platforms is ours, with what it is given", (t) => {
  const shown = [...read("docs/coming-from.md").matchAll(/`teal ([^`]+)`/g)].map(([, one]) => one!);
  t.true(shown.length > 35);
  for (const one of shown) t.notThrows(() => parse(one.split(" "), COMMANDS, optionsOf), one);
});
