import test from "ava";
import { judge, parseRefLines, shortRef } from "../../../hooks/ref-rules.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const ZERO = "0".repeat(40);
const codes = (text: string) => judge(parseRefLines(text)).refusals.map(({ code }) => code);

test("a push of main or master is to be deployed, other references are stored", (t) => {
  for (const branch of ["main", "master"]) {
    const { deploy, stored, refusals } = judge(
      parseRefLines(
        `${ZERO} ${B} refs/heads/${branch}\n${A} ${B} refs/heads/topic\n${ZERO} ${B} refs/tags/v1\n`,
      ),
    );
    t.deepEqual(refusals, []);
    t.deepEqual(deploy, { old: null, new: B, ref: `refs/heads/${branch}` });
    t.deepEqual(
      stored.map(({ ref }) => shortRef(ref)),
      ["topic", "v1"],
    );
  }
});

test("a tag or a branch that only resembles the deploy branch is stored", (t) => {
  for (const ref of ["refs/tags/main", "refs/heads/Main", "refs/heads/x/main"]) {
    const { deploy, stored } = judge(parseRefLines(`${ZERO} ${A} ${ref}`));
    t.is(deploy, null);
    t.is(stored.length, 1);
  }
});

test("each thing that cannot be has its own error", (t) => {
  t.deepEqual(codes(`${A} ${ZERO} refs/heads/main`), ["deploy-branch-kept"]);
  t.deepEqual(codes(`${A} ${ZERO} refs/heads/topic`), []);
  t.deepEqual(codes(`${A} ${B} refs/heads/main\n${A} ${B} refs/heads/master`), [
    "one-deploy-branch",
  ]);
  for (const ref of [
    "refs/notes/x",
    "HEAD",
    "refs/heads/-x",
    "refs/heads/a..b",
    "refs/heads/a.lock",
    "refs/heads/a@{1}",
    "refs/heads/a b",
    "refs/heads/",
    "refs/heads/a//b",
    `refs/heads/${"x".repeat(101)}`,
  ]) {
    t.deepEqual(codes(`${A} ${B} ${ref}`), ["bad-ref"], ref);
  }
  t.deepEqual(codes(`${A} ${B} refs/heads/x\n`.repeat(1001)), ["too-many-refs"]);
});

test("what is not a line of references is an error", (t) => {
  for (const text of ["x", `${A} ${B}`, `${A} ${B} `, `${A.slice(1)} ${B} refs/heads/main`]) {
    t.throws(() => parseRefLines(text), { message: /not understood/ }, text);
  }
  t.deepEqual(parseRefLines(""), []);
});
