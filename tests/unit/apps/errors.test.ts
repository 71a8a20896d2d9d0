import test from "ava";
import { ERRORS, isTealError, TealError } from "../../../apps/errors.ts";

test("an error says what was expected, what came, and what to do", (t) => {
  const error = new TealError("bad-app-name", { name: "Shop!" });
  t.is(error.status, 400);
  t.is(error.exit, 2);
  t.regex(error.says, /Shop! is not\.$/);
  t.regex(error.message, /Choose a name/);
});

test("every entry of the table has two sentences and an exit code of the list", (t) => {
  for (const [code, entry] of Object.entries(ERRORS)) {
    t.regex(entry.says, /\.$/, code);
    t.regex(entry.todo, /\.$|^\{todo\}$/, code);
    t.true(entry.status >= 400 && entry.exit >= 1 && entry.exit <= 5, code);
  }
});

test("isTealError tells one code from another", (t) => {
  t.true(isTealError(new TealError("fenced"), "fenced", "internal"));
  t.false(isTealError(new TealError("fenced"), "internal"));
  t.false(isTealError(new Error("fenced")));
});
