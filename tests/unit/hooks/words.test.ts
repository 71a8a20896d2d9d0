import test from "ava";
import fc from "fast-check";
import { splitWords } from "../../../hooks/words.ts";

test("words are split as a shell splits them, and nothing is expanded", (t) => {
  t.deepEqual(splitWords("  config:set -a shop  A=1 "), ["config:set", "-a", "shop", "A=1"]);
  t.deepEqual(splitWords(`'it is' "so \\"much\\"" a\\ b ''`), ["it is", 'so "much"', "a b", ""]);
  t.deepEqual(splitWords(`x'y'"z"`), ["xyz"]);
  t.deepEqual(
    splitWords("$HOME `id` $(id) ; | & > * ~"),
    "$HOME `id` $(id) ; | & > * ~".split(" "),
  );
  t.deepEqual(splitWords(""), []);
});

test("an open quote is refused", (t) => {
  t.is(splitWords("a 'b"), null);
  t.is(splitWords('a "b'), null);
});

test("words in single quotes come back as they were, whatever they hold", (t) => {
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
      t.deepEqual(splitWords(words.map(quote).join(" ")), words);
    }),
  );
});
