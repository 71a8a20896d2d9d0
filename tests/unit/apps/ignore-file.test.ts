import test from "ava";
import { readIgnoreFile } from "../../../apps/ignore-file.ts";

const ignored = (text: string, ...paths: string[]) => {
  const { ignores } = readIgnoreFile(text);
  return paths.filter((path) => ignores(path));
};

test("the last rule that matches decides, also of a folder above", (t) => {
  const text = "\uFEFF# logs\n*.log\r\n  !keep.log  \ndocs/\n! docs/README.md\n/top\n./here\n";
  t.deepEqual(ignored(text, "a.log", "keep.log", "sub/a.log", "docs/x/y.md", "docs/README.md"), [
    "a.log",
    "docs/x/y.md",
  ]);
  t.deepEqual(ignored(text, "top", "sub/top", "here/a", "# logs"), ["top", "here/a"]);
  t.true(readIgnoreFile(text).hasExceptions);
  t.false(readIgnoreFile("a\n#!b\n").hasExceptions);
  t.deepEqual(ignored("!a\na", "a"), ["a"]);
});

test("names stand for themselves, whatever they mean elsewhere", (t) => {
  const names = ["constructor", "__proto__", "c++", "a(1)", "$x", "^a", "a.b", "{a}"];
  for (const name of names) t.deepEqual(ignored(name, name, `${name}/x`), [name, `${name}/x`]);
  t.deepEqual(ignored("", ...names), []);
  t.deepEqual(ignored("a.b\nReadme.md", "axb", "README.md"), [], "as Docker: case counts");
});

test("two stars are any folders, as Docker has them", (t) => {
  t.deepEqual(ignored("**/tmp", "tmp", "a/tmp", "a/b/tmp/c", "a/tmpx"), [
    "tmp",
    "a/tmp",
    "a/b/tmp/c",
  ]);
  t.deepEqual(ignored("a/**", "a", "a/b", "a/b/c", "b/a"), ["a/b", "a/b/c"]);
  t.deepEqual(ignored("a/**/z", "a/z", "a/b/c/z", "az"), ["a/z", "a/b/c/z"]);
  t.deepEqual(ignored("*/x", "a/x", "x", "a/b/x"), ["a/x"]);
});

test("what is no pattern is refused by name", (t) => {
  for (const [text, says] of [
    ["ok\nlog[0-9\n", /in 'log\[0-9' a bracket is not closed/],
    ["!\n", /'!' names nothing/],
    ["a".repeat(70_000), /at most 65536 characters were expected, and 70000 came/],
  ] as const) {
    t.throws(() => readIgnoreFile(text), { code: "bad-ignore-file", message: says });
  }
});
