import test from "ava";
import { describePolicy, policyOf, routingOf } from "../../../apps/routing.ts";

const HOSTS = ["shop.localhost", "shop.example"];

test("an app that nobody has told anything has no policy", (t) => {
  t.is(policyOf({}, HOSTS), undefined);
  t.is(policyOf({ build: { root: "web" }, "page.maintenance": "<p>" }, HOSTS), undefined);
  t.is(describePolicy(undefined), "as for every app");
});

test("a policy holds what was told, and the page while there is maintenance", (t) => {
  const options = {
    "routing.maintenance": true,
    "routing.maxBodyBytes": 5,
    "page.maintenance": "<p>",
    "page.502": "<b>",
    stopped: true,
  } as const;
  const policy = policyOf(options, HOSTS);
  t.deepEqual(policy, {
    maintenance: { page: "<p>" },
    maxBodyBytes: 5,
    errorPages: { "502": "<b>" },
    stopped: true,
  });
  t.is(describePolicy(policy), "maxBodyBytes=5, maintenance, stopped, pages for 502");
  t.deepEqual(routingOf(options), { maintenance: true, maxBodyBytes: 5 });
  const { maintenance } = policyOf({ "routing.maintenance": true }, HOSTS) ?? {};
  t.deepEqual(maintenance, {});
});

test("a canonical host that the app has no more sends nobody anywhere", (t) => {
  const options = { "routing.canonicalHost": "shop.example" };
  t.deepEqual(policyOf(options, HOSTS), { canonicalHost: "shop.example" });
  t.is(policyOf(options, ["shop.localhost"]), undefined);
});
