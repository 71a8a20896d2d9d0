import test from "ava";
import fc from "fast-check";
import { readDotenv, readPairs, writeDotenv } from "../../../apps/cli/dotenv.ts";

test("a .env file is read with its comments, quotes and lines", (t) => {
  const file = `\uFEFF# comment
A=1
export B="two words" # said
C='line 1
line 2'
D=
E="a\\nb"
`;
  t.deepEqual(readDotenv(file), { A: "1", B: "two words", C: "line 1\nline 2", D: "", E: "a\nb" });
});

test("NAME=VALUE keeps everything after the first =", (t) => {
  t.deepEqual(readPairs(["A=b=c", "E="], "config:set"), { A: "b=c", E: "" });
  const error = t.throws(() => readPairs(["s3cr3t"], "config:set"));
  t.notRegex(error?.message ?? "", /s3cr3t/, "what came may be a value");
  t.throws(() => readPairs(["=x"], "config:set"));
});

test("what is written to a .env file is read back the same, or not written", (t) => {
  const character = fc.constantFrom(...Array.from("ab1 '\"`\n\\n#=$\t:/é"));
  const value = fc.array(character, { maxLength: 12 }).map((list) => list.join(""));
  let written = 0;
  fc.assert(
    fc.property(value, (text) => {
      const line = writeDotenv("NAME", text);
      if (line === null) return true;
      written++;
      return readDotenv(`BEFORE=1\n${line}\nAFTER=2\n`)["NAME"] === text;
    }),
    { numRuns: 3000 },
  );
  t.true(written > 2000);
});
