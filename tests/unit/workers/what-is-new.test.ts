import test from "ava";
import { whatIsNew } from "../../../workers/what-is-new.ts";

test("a release of other settings says which they are", (t) => {
  const live = { config: { A: "1" }, runtime: { web: { memory: 128 } } };
  const mounts = [{ source: "data", target: "/data" }];
  t.is(whatIsNew({ ...live, config: { A: "2" } }, live), "New config");
  t.is(whatIsNew({ ...live, runtime: { web: { memory: 256 } } }, live), "New limits");
  t.is(whatIsNew({ ...live, mounts }, live), "New storage");
  const drains = { web: { memory: 128 }, worker: { handover: "drain" as const } };
  t.is(whatIsNew({ ...live, runtime: drains }, live), "New handover");
  t.is(whatIsNew({ runtime: drains, mounts }, live), "New config, handover and storage");
  t.is(whatIsNew({ config: live.config }, live), "New limits");
});

test("what is said anew and changes nothing is as before", (t) => {
  t.is(whatIsNew({}, { config: {}, mounts: [] }), "Config as before");
  t.is(whatIsNew({ runtime: { web: { handover: "overlap" } } }, {}), "Config as before");
});
