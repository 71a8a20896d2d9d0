import test from "ava";
import { createAttempts } from "../../../apps/attempts.ts";

function world() {
  const clock = { now: 1_000_000 };
  const limits = { free: 3, firstMs: 1000, mostMs: 60_000 };
  return { clock, attempts: createAttempts(limits, () => clock.now) };
}
const FROM = { address: "192.0.2.1" };
const seconds = (attempts: ReturnType<typeof createAttempts>, from: object = FROM) => {
  try {
    attempts.check("new", from as typeof FROM);
    return 0;
  } catch (error) {
    return (error as { params: { seconds: number } }).params.seconds;
  }
};

test("a few wrong tokens cost nothing; then each doubles the wait, up to a bound", (t) => {
  const { clock, attempts } = world();
  const waits: number[] = [];
  for (let i = 0; i < 11; i++) {
    attempts.failed(FROM);
    waits.push(seconds(attempts));
  }
  t.deepEqual(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  clock.now += 59_999;
  t.is(seconds(attempts), 1);
  clock.now += 1;
  t.is(seconds(attempts), 0);
  clock.now += 1;
  attempts.failed(FROM);
  t.is(seconds(attempts), 0);
});

test("another address is not held up, but the rest of an IPv6 network is", (t) => {
  const { attempts } = world();
  for (let i = 0; i < 9; i++) attempts.failed({ address: "2001:db8:1:2::5" });
  t.true(seconds(attempts, { address: "2001:db8:1:2:ffff::9" }) > 0);
  t.is(seconds(attempts, { address: "2001:db8:1:3::5" }), 0);
  t.is(seconds(attempts), 0);
});

test("an account is slowed from wherever, and what was good from there goes on being good", (t) => {
  const { attempts } = world();
  attempts.passed("ann's", FROM);
  for (let i = 0; i < 9; i++) attempts.failed({ address: `198.51.100.${i}`, account: "ann" });
  for (let i = 0; i < 9; i++) attempts.failed(FROM);
  t.true(seconds(attempts, { address: "203.0.113.9", account: "ann" }) > 0);
  t.notThrows(() => attempts.check("ann's", { ...FROM, account: "ann" }));
  t.throws(() => attempts.check("ann's", { address: "192.0.2.99", account: "ann" }));
});

test("what is remembered has a bound", (t) => {
  const { attempts } = world();
  for (let i = 0; i < 9; i++) attempts.failed({ address: "first" });
  for (let i = 0; i < 10_000; i++) attempts.failed({ address: `other ${i}` });
  t.is(seconds(attempts, { address: "first" }), 0);
});
