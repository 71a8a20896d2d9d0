import test from "ava";
import { addressLines } from "../../../apps/cli/platform/addresses.ts";
import { readSettings } from "../../../apps/config.ts";

const linesOf = (env: Record<string, string>): string =>
  addressLines(readSettings({ TEAL_HOME: "/home/teal", ...env })).join("\n");

test("What up prints leads to this machine, unless the platform has a public URL", (t) => {
  const here = linesOf({});
  t.regex(here, /dashboard +http:\/\/localhost:8000\/\n/);
  t.regex(here, /git remote add deploy http:\/\/localhost:8000\/git\/shop\.git/);
  const outside = linesOf({ TEAL_PUBLIC_URL: "https://teal.example.com" });
  t.regex(outside, /dashboard +https:\/\/teal\.example\.com\/\n/);
  t.regex(outside, /git remote add deploy https:\/\/teal\.example\.com\/git\/shop\.git/);
  t.false(outside.includes("localhost:8000"));
});

test("Apps are printed with http and https, without the ports that go without saying", (t) => {
  const usual = linesOf({ TEAL_DOMAIN: "example.com" });
  t.true(usual.includes("http://APP.example.com:8080/"));
  t.regex(usual, /https:\/\/APP\.example\.com:8443\/ .*certs:add/);
  const ports = { TEAL_ROUTER_PORT: "80", TEAL_ROUTER_TLS_PORT: "443", TEAL_ACME: "on" };
  t.regex(
    linesOf({ TEAL_DOMAIN: "example.com", ...ports }),
    /http:\/\/APP\.example\.com\/\n +https:\/\/APP\.example\.com\/\n/,
  );
});
