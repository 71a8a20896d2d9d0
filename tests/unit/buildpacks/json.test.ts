import test from "ava";
import { PlanError } from "../../../buildpacks/errors.ts";
import { parseJsonObject } from "../../../buildpacks/json.ts";

for (const [what, text, place] of [
  ["a comma too many", '{\n  "a": 1,\n}', "line 3, column 1"],
  ["a missing comma", '{\n  "a": 1\n  "b": 2\n}', "line 3, column 3"],
  ["a missing end", '{\n  "a": 1', "line 2, column 9"],
  ["a string without an end", '{\n  "a": "x\n}', "line 2, column 10"],
  ["marks of a merge", '{\n<<<<<<< HEAD\n  "a": 1\n}', "line 2, column 1"],
  ["a word", "{\n  a: 1\n}", "line 2, column 3"],
  ["a comment", '{\n  "a": 1, // x\n}', "line 2, column 11"],
  ["nothing", "", "line 1, column 1"],
  ["an array", "[]", "line 1, column 1"],
  ["null", "null", "line 1, column 1"],
] as const) {
  test(`a broken file is an error with its line and column: ${what}`, (t) => {
    const error = t.throws(() => parseJsonObject("package.json", text), { instanceOf: PlanError });
    t.is(error?.code, "broken-json");
    t.true(
      error?.says.includes(`package.json was expected to be JSON; ${place} is not`),
      error?.says,
    );
  });
}

test("an object is given back", (t) => {
  t.deepEqual(parseJsonObject("x", '{"a": [1, {"b": null}]}'), { a: [1, { b: null }] });
});
