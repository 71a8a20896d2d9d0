import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "ava";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PAGES = ["README.md", "CHANGELOG.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
const read = (page: string) => readFileSync(join(ROOT, page), "utf8");

/** The anchors of a page's headings, as code hosts make them. */
function anchorsOf(page: string): Set<string> {
  const headings = read(page).matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** What is wrong with a page's links to other pages of the project. */
function brokenLinksOf(page: string): string[] {
  const links = read(page).matchAll(/\]\((?!https?:)([^)\s]*)\)/g);
  return [...links].flatMap(([, link = ""]) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? page : relative(ROOT, join(ROOT, dirname(page), path));
    if (!existsSync(join(ROOT, target))) return [`${page}: ${link}: no such file`];
    if (anchor === undefined || !target.endsWith(".md") || anchorsOf(target).has(anchor)) return [];
    return [`${page}: ${link}: no such heading`];
  });
}

test("every link from one page to another leads to a page, and to a heading of it", (t) => {
  t.deepEqual(PAGES.flatMap(brokenLinksOf), []);
});

test("the README leads to every page", (t) => {
  const links = new Set([...read("README.md").matchAll(/\]\((docs\/[^)#]*)/g)].map(([, to]) => to));
  const pages = globSync("docs/*.md", { cwd: ROOT });
  const reached = [...links].flatMap((to) => (to?.endsWith(".md") ? [to] : []));
  const onward = reached.flatMap((page) =>
    [...read(page).matchAll(/\]\(([\w-]+\.md)/g)].map(([, to]) => `docs/${to}`),
  );
  const found = new Set([...reached, ...onward]);
  t.deepEqual(
    pages.filter((page) => !found.has(page)),
    [],
  );
});
