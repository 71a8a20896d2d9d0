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

test("it may come from Windows, and values may have quotes, escapes and # in them", (t) => {
  const lines = [
    ...["# a comment", "", "  A = 1  ", "export\tB='it # is' # said", "C=pa#ss", "D= # nothing"],
    ...[
      "E=it's",
      'JSON="{\\"a\\": \\"\\\\d\\"}"',
      "PEM='-----BEGIN",
      "x+/=",
      "-----END'",
      "F=`'\"`",
    ],
    ...["G=$HOME/bin", 'H="\\$5 \\t|"', "I=a b  c # said", "A=2"],
  ];
  const read = {
    ...{ A: "2", B: "it # is", C: "pa#ss", D: "", E: "it's", JSON: '{"a": "\\d"}' },
    ...{ PEM: "-----BEGIN\nx+/=\n-----END", F: "'\"", G: "$HOME/bin", H: "$5 \t|", I: "a b  c" },
  };
  t.deepEqual(readDotenv(lines.join("\r\n")), read);
  t.deepEqual(readDotenv(`${lines.join("\n")}\n`), read);
});

test("a line that is not understood is named by its number, not by what it says", (t) => {
  for (const line of [
    "s3cr3t",
    "KEY: s3cr3t",
    "KEY='s3cr3t",
    'KEY="s3cr3t\\"',
    "KEY='s3cr3t' more",
  ]) {
    const error = t.throws(() => readDotenv(`A=1\n\n${line}\nB=2\n`), undefined, line);
    t.regex(error.message, /^Line 3 of the file/, line);
    t.notRegex(error.message, /s3cr3t/);
  }
});

test("what is written to a .env file is read back the same", (t) => {
  const character = fc.constantFrom(...Array.from("ab1 '\"`\n\\n#=$\t:/é\r\\"));
  const value = fc.array(character, { maxLength: 12 }).map((list) => list.join(""));
  fc.assert(
    fc.property(value, (text) => {
      const line = writeDotenv("NAME", text);
      return readDotenv(`BEFORE=1\n${line}\nAFTER=2\n`)["NAME"] === text;
    }),
    { numRuns: 5000 },
  );
  t.pass();
});
