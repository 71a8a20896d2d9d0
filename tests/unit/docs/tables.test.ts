import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";

const docs = join(import.meta.dirname, "..", "..", "..", "docs");
const read = (path: string): string => readFileSync(join(docs, path), "utf8");

interface Link {
  text: string;
  path: string;
}

/** Links to tests, row by row: of tables alone. */
function rowsOf(page: string): { cells: string[]; links: Link[] }[] {
  return read(page)
    .split("\n")
    .filter((line) => /^\| (?!-|fault|race|#)/.test(line))
    .map((line) => ({
      cells: line.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/g, "").trim()),
      links: [...line.matchAll(/\[([^\]]+)\]\((\.\.\/tests\/[^)]+)\)/g)].map(
        ([, text = "", path = ""]) => ({ text, path }),
      ),
    }));
}

test("every fault and every race has tests that there are, by their titles", (t) => {
  const rows = rowsOf("faults.md");
  t.true(rows.length > 20);
  for (const { cells, links } of rows) {
    t.true(links.length > 0, cells[0]);
    for (const { text, path } of links) t.true(read(path).includes(text), `${path}: ${text}`);
  }
});

test("every advisory has tests that there are, or says why it has none; every test has its row", (t) => {
  const rows = rowsOf("advisories.md");
  t.deepEqual(
    rows.map(({ cells }) => Number(cells[0])),
    rows.map((_, at) => at + 1),
  );
  for (const { cells, links } of rows) {
    t.true(links.length > 0 || /nothing to test: /.test(cells.at(-1) ?? ""), cells[0]);
    for (const { path } of links) t.regex(read(path), /\btest(?:\.serial)?\(/, path);
  }
  const named = rows.flatMap(({ cells, links }) => links.map(({ path }) => `${cells[0]} ${path}`));
  for (const file of readdirSync(join(docs, "../tests/advisories"))) {
    t.true(
      named.includes(`${Number.parseInt(file, 10)} ../tests/advisories/${file}`),
      `${file} is to be in the table of docs/advisories.md`,
    );
  }
});
