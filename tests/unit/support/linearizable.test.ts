import test from "ava";
import { findViolations } from "../../support/linearizable.ts";

const at = (start: number, end: number, version: string) => ({ start, end, version });
const pushed = [
  { version: "one", notBefore: 0 },
  { version: "two", notBefore: 4 },
];

test("overlapping answers of two releases are no violation", (t) => {
  // The third began before the first answer of "two" had ended.
  const requests = [at(1, 10, "one"), at(5, 8, "two"), at(6, 12, "one"), at(9, 11, "two")];
  t.deepEqual(findViolations(requests, pushed), []);
});

test("an old answer to a request begun after a new answer is a violation", (t) => {
  const requests = [at(1, 2, "one"), at(5, 6, "two"), at(7, 8, "one")];
  const [violation, ...more] = findViolations(requests, pushed);
  t.is(violation?.request.start, 7);
  t.is(violation?.phaseReached, 1);
  t.deepEqual(more, []);
});

test("a version that came back by rollback is not taken for the old one", (t) => {
  const phases = [...pushed, { version: "one", notBefore: 20 }];
  const requests = [at(1, 2, "one"), at(5, 6, "two"), at(21, 22, "one"), at(23, 24, "one")];
  t.deepEqual(findViolations(requests, phases), []);
});

test("an old answer before the rollback was asked for is a violation all the same", (t) => {
  const phases = [...pushed, { version: "one", notBefore: 20 }];
  t.is(findViolations([at(5, 6, "two"), at(7, 8, "one")], phases).length, 1);
});

test("an answer of a version that nobody deployed is a violation", (t) => {
  t.is(findViolations([at(1, 2, "nine")], pushed).length, 1);
});
