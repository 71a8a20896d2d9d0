import test from "ava";
import fc from "fast-check";
import { createGlob, type Dialect } from "../../../apps/glob.ts";

/** What a pattern means, as an expression. Slow with many stars, so for short ones only. */
function expressionOf(pattern: string, dialect: Dialect): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*|\*|\?/g, (found, at: number) => {
    const last = at + found.length === pattern.length;
    if (found === "?") return "[^/]";
    if (found === "*") return "[^/]*";
    const folders = dialect === "docker" ? !last : found === "**/";
    return folders ? "(?:.*/)?" : ".*";
  });
  return new RegExp(`^${source}(?:/.*)?$`, "s");
}

for (const dialect of ["plain", "docker"] as const) {
  test(`patterns match what they mean: ${dialect}`, (t) => {
    const pattern = fc.array(fc.constantFrom("*", "**", "**/", "?", "a", "b", "/"), {
      maxLength: 6,
    });
    const path = fc.array(fc.constantFrom("a", "b", "/"), { maxLength: 8 });
    fc.assert(
      fc.property(pattern, path, (pieces, chars) => {
        const [text, given] = [pieces.join(""), chars.join("")];
        const expected = expressionOf(text, dialect).test(given);
        return createGlob(text, dialect)(given) === expected;
      }),
      { numRuns: 20_000 },
    );
    t.pass();
  });
}

test("brackets and backslashes are Docker's alone", (t) => {
  const matches = (pattern: string, path: string) => createGlob(pattern, "docker")(path);
  t.true(matches("v[0-9].txt", "v7.txt"));
  t.false(matches("v[0-9].txt", "vx.txt"));
  t.true(matches("v[^0-9].txt", "vx.txt"));
  t.false(matches("a[^b]c", "a/c"), "never a slash");
  t.true(matches("[\\]a]", "]"));
  t.true(matches("a\\*b", "a*b"));
  t.false(matches("a\\*b", "axb"));
  t.true(matches("[a\\-z]", "-"));
  t.false(matches("[a\\-z]", "m"));
  t.true(createGlob("v[0-9]", "plain")("v[0-9]"));
  t.throws(() => createGlob("[abc", "docker"), { message: /not closed/ });
  t.throws(() => createGlob("[]", "docker"), { message: /empty/ });
});

test("characters of two units are one", (t) => {
  t.true(createGlob("?.txt", "plain")("😀.txt"));
  t.true(createGlob("[😀-😂].txt", "docker")("😁.txt"));
});

test("a pattern that was made to be slow is not", (t) => {
  const began = performance.now();
  const path = "a".repeat(250);
  for (const dialect of ["plain", "docker"] as const) {
    t.false(createGlob(`${"*a".repeat(60)}b`, dialect)(path));
    t.false(createGlob(`${"**/a*".repeat(60)}b`, dialect)(`${"a/".repeat(120)}c`));
  }
  // As an expression, a tenth of that takes minutes.
  t.true(performance.now() - began < 10_000);
});
