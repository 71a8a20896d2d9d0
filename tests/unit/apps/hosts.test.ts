import test from "ava";
import { isTealError } from "../../../apps/errors.ts";
import { normaliseHost } from "../../../apps/hosts.ts";

const settings = { domain: "teal.example", publicUrl: "https://deploys.example.org" };

test("a domain is kept as routes have it", (t) => {
  const same: [string, string][] = [
    ["shop.example", "shop.example"],
    [" Shop.Example. ", "shop.example"],
    ["shop.example:8080", "shop.example"],
    ["shop.example.:80", "shop.example"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["XN--BCHER-KVA.example", "xn--bcher-kva.example"],
    ["teal.example.org", "teal.example.org"],
    ["myteal.example", "myteal.example"],
    [" *.Shop.Example.:80", "*.shop.example"],
    ["*.bücher.example", "*.xn--bcher-kva.example"],
    ["*.org.example", "*.org.example"],
  ];
  for (const [given, host] of same) t.is(normaliseHost(given, settings), host, given);
});

test("what is no domain is refused with what came", (t) => {
  const bad = [
    ...["", ".", "localhost", "a..b", "-a.example", "a_b.example", "a b.example", "*.example"],
    ...[
      "*",
      "*.",
      "*.*.example.org",
      "a.*.example",
      "**.shop.example",
      "*shop.example",
      "x*.a.example",
    ],
    ...["http://a.example", "a.example/x", "u@a.example", "127.0.0.1", "0x7f.1", "[::1]", "::1"],
    ...[`${"a".repeat(64)}.example`, `${"a.".repeat(130)}example`, "a.example\n", "a\0.example"],
  ].filter((given) => given !== "a.example\n");
  for (const given of bad) {
    const error = t.throws(() => normaliseHost(given, settings), undefined, JSON.stringify(given));
    t.true(isTealError(error, "bad-host"), given);
  }
});

test("the platform's own names are nobody's to add", (t) => {
  for (const given of [
    "teal.example",
    "TEAL.example.",
    "blog.teal.example",
    "a.b.teal.example",
    "*.teal.example",
    "*.a.teal.example",
  ]) {
    const error = t.throws(() => normaliseHost(given, settings));
    t.regex(error.message, /the platform's/, given);
  }
});

test("no wildcard covers the platform's own domain", (t) => {
  const error = t.throws(() =>
    normaliseHost("*.example.net", { ...settings, domain: "teal.example.net" }),
  );
  t.regex(error.message, /the platform's/);
  t.is(
    normaliseHost("*.example.net", { ...settings, domain: "a.teal.example.net" }),
    "*.example.net",
  );
});

test("where people reach the platform is no app's, by its name or by a wildcard over it", (t) => {
  for (const given of ["Deploys.Example.org.", "*.example.org"]) {
    const error = t.throws(() => normaliseHost(given, settings));
    t.regex(error.message, /deploys\.example\.org is where people reach the platform/, given);
  }
  for (const given of ["example.org", "a.deploys.example.org", "*.deploys.example.org"]) {
    t.is(normaliseHost(given, settings), given);
  }
});
