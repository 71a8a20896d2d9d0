import test from "ava";
import type { HealthCheck } from "../../../apps/checks.ts";
import {
  ailment,
  backOff,
  isAside,
  note,
  type Patient,
  remembered,
  restarted,
  isLost,
  leaves,
  serves,
  verdict,
} from "../../../workers/checkup-state.ts";

const check: HealthCheck = {
  ...{ type: "liveness", path: "/up", attempts: 3 },
  ...{ timeoutMs: 1000, waitMs: 5000, initialDelayMs: 0 },
};
const BAD = { healthy: false, text: "status 500" };
const GOOD = { healthy: true, text: "status 200" };

function patient(index: number, checks = [check], now = 0): Patient {
  const instance: Patient["instance"] = {
    ...{ id: `t-shop-1-web-${index}`, app: "shop", deploy: "shop-1", release: 1, colour: "blue" },
    ...{ process: "web", index, state: "live", slot: index + 1 },
  };
  const one: Patient = {
    ...{ instance, courses: [], returning: false, since: 0 },
    ...{ backWithinMs: 60_000, restarts: 0, restartedAt: 0, spared: false, busy: false },
  };
  serves(one, checks, now);
  return one;
}

const fail = (one: Patient, times = 3) => {
  for (const course of one.courses) for (let i = 0; i < times; i++) note(course, BAD, 0);
};
const decide = (one: Patient, others: Patient[], now = 0, answers = false) =>
  verdict(one, others, { now, answers });

test("so many failures in a row count, and one success begins anew", (t) => {
  const one = patient(1);
  const [course] = one.courses;
  if (!course) throw new Error("no course");
  t.false(note(course, BAD, 100));
  t.false(note(course, BAD, 100));
  t.false(note(course, GOOD, 100), "it never counted");
  t.false(note(course, BAD, 100));
  t.false(note(course, BAD, 100));
  t.is(ailment(one), undefined);
  t.true(note(course, BAD, 100), "now it does");
  t.is(ailment(one)?.says, "status 500");
  t.is(course.nextAt, 5100);
  t.true(note(course, GOOD, 200));
  t.is(ailment(one), undefined);
});

test("the first look waits for initialDelay, or for wait where that is longer", (t) => {
  t.is(patient(1, [check], 1000).courses[0]?.nextAt, 6000);
  t.is(patient(1, [{ ...check, initialDelayMs: 20_000 }], 1000).courses[0]?.nextAt, 21_000);
  t.deepEqual(patient(1, [{ ...check, type: "startup" }]).courses, [], "asked before it serves");
});

test("readiness and a return keep requests away, liveness and what only warns do not", (t) => {
  const ready = patient(1, [{ ...check, type: "readiness" }]);
  fail(ready);
  t.true(isAside(ready));
  t.is(ailment(ready), undefined);
  const warned = patient(1, [
    { ...check, warn: true },
    { ...check, type: "readiness", warn: true },
  ]);
  fail(warned);
  t.false(isAside(warned));
  t.is(ailment(warned), undefined);
  t.true(isAside({ ...patient(1), returning: true }));
});

test("a single instance is restarted: it serves nobody", (t) => {
  const one = patient(1);
  fail(one);
  t.is(decide(one, []), "restart");
  t.is(decide(one, [], 0, true), "restart", "and its app says that it is not well");
});

test("never two of a type at once; when one did not come back, the last that answers is left alone", (t) => {
  const [one, two, three] = [patient(1), patient(2), patient(3)];
  [one, two].forEach((it) => fail(it));
  t.is(decide(one, [two, three]), "restart");
  Object.assign(one, { returning: true, since: 1000 });
  t.is(decide(two, [one, three], 2000), "wait");
  t.is(decide(two, [one, three], 62_000), "restart", "three is well");
  fail(three);
  t.is(decide(two, [one, three], 62_000, true), "spare");
  t.is(decide(two, [one, three], 62_000, false), "restart", "it answers nobody: nothing is lost");
});

test("the last that answers stays alone when nobody remembers why, until another is well", (t) => {
  const [one, two] = [patient(1), patient(2)];
  [one, two].forEach((it) => fail(it));
  two.spared = true;
  t.is(decide(two, [one], 0, true), "spare");
  t.is(decide(two, [one], 0, false), "restart", "it answers nobody by now");
  t.is(decide(two, [patient(3)], 0, true), "restart");
});

test("one that does not come back in its time is lost, and asked anew whether it lives", (t) => {
  const one = patient(1);
  fail(one);
  leaves(one, 1000);
  t.is(ailment(one), undefined, "what was before counts no more");
  t.false(isLost(one, 61_000));
  t.true(isLost(one, 61_001));
  fail(one);
  t.is(decide(one, [], 61_001), "restart");
});

test("restarts back off, and are forgotten after ten minutes", (t) => {
  const one = patient(1);
  fail(one);
  const times = [];
  for (let now = 0; now < 700_000; now += 1000) {
    if (decide(one, [], now) !== "restart") continue;
    times.push(now / 1000);
    restarted(one, now);
  }
  t.deepEqual(times, [0, 10, 30, 70, 150, 310, 610]);
  t.is(backOff(50), 300_000);
  restarted(one, 2_000_000);
  t.is(one.restarts, 1);
  t.deepEqual(remembered([1000, 900_000, 950_000], 1_000_000), {
    restarts: 2,
    restartedAt: 950_000,
  });
});
