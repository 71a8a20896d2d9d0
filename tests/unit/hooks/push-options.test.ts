import test from "ava";
import { unknownOptions, wishOf } from "../../../hooks/push-options.ts";

test("what a push may say of its deploy is known, and nothing else", (t) => {
  const known = ["hold", "irreversible", "verbose", "promote-after=10m"];
  t.deepEqual(unknownOptions([...known, "ci.skip", "Hold"]), ["ci.skip", "Hold"]);
  const promoteAfter = 600_000;
  t.deepEqual(wishOf(known), { hold: true, irreversible: true, verbose: true, promoteAfter });
  t.deepEqual(wishOf(["verbose", "ci.skip"]), { verbose: true });
  t.deepEqual(wishOf([]), {});
});

test("of several times the last counts, and one that is none is refused", (t) => {
  t.deepEqual(wishOf(["promote-after=10m", "promote-after=5m"]), { promoteAfter: 300_000 });
  t.throws(() => wishOf(["promote-after=soon"]), { code: "bad-request" });
});
