import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";

const FOLDER = new URL("../../../docs/decisions/", import.meta.url);
const LIST = new URL("README.md", FOLDER);
const HEAD = `# Decisions

What was decided, why, and what else was tried. Numbers that are missing were never used.
`;
/** Each from its number on, up to the next one's. */
const THEMES: [from: number, name: string][] = [
  [1, "How a deploy goes"],
  [8, "The code"],
  [20, "The router"],
  [30, "Buildpacks and builds"],
  [40, "Releases, config, holding"],
  [50, "What comes from outside, and goes out"],
  [60, "Certificates and addresses"],
  [65, "The router's connections and memory"],
  [70, "Routing of an app"],
  [75, "What runs"],
  [80, "Day by day"],
  [85, "Sources and images"],
  [90, "The dashboard"],
  [95, "Access and what is outside"],
];

test("every decision has its number, and its line in the list (TEAL_UPDATE_DOCS=1 writes it)", (t) => {
  const files = readdirSync(FOLDER).filter((name) => /^\d/.test(name));
  const lines = files.map((file) => {
    const text = readFileSync(new URL(file, FOLDER), "utf8");
    const [, number, title] = /^# (\d+)[.:]? (.+)\n/.exec(text) ?? [];
    t.is(
      Number(number),
      Number(file.slice(0, 3)),
      `${file} begins with "# NUMBER. What was decided"`,
    );
    return { number: Number(number), line: `- [${number} ${title}](${file})` };
  });
  const themes = THEMES.map(([from, name], i) => {
    const to = THEMES[i + 1]?.[0] ?? 1000;
    const own = lines.filter(({ number }) => number >= from && number < to);
    return `\n## ${name}\n\n${own.map(({ line }) => `${line}\n`).join("")}`;
  });
  const list = HEAD + themes.join("");
  if (process.env["TEAL_UPDATE_DOCS"] === "1") writeFileSync(LIST, list);
  t.is(readFileSync(LIST, "utf8"), list);
});
