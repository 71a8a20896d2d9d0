import { generateKeyPairSync } from "node:crypto";
import test from "ava";
import { checkCertificate, covers } from "../../../apps/certificate-check.ts";
import { isTealError } from "../../../apps/errors.ts";
import { createIssuer } from "../../support/certificates.ts";

const HOSTS = ["shop.example", "shop.teal.test"];
const HOUR_MS = 3_600_000;

function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isTealError(error, "bad-certificate")) return error.message;
    throw error;
  }
  return "";
}

test("a chain and its key are taken, and what they say is read", async (t) => {
  const root = await createIssuer("Test Root");
  const middle = await createIssuer("Test Middle", root);
  const pair = await middle.issue(["Shop.Example", "*.shop.example"]);
  const given = { chain: `${pair.cert}\n${middle.cert}`, key: pair.key };
  const checked = checkCertificate(given, HOSTS);
  t.deepEqual(checked.names, ["shop.example", "*.shop.example"]);
  t.is(checked.issuer, "Test Middle");
  t.is(checked.chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  t.regex(checked.fingerprint, /^[0-9a-f]{64}$/);
  t.true(checked.notAfter > Date.now() + 80 * 24 * HOUR_MS);
  const one = checkCertificate({ chain: pair.key + pair.cert + middle.cert, key: "" }, HOSTS);
  t.is(one.fingerprint, checked.fingerprint, "one file with all of it");
  t.is(one.key, pair.key);
});

test("what is wrong is said, and what to do", async (t) => {
  const root = await createIssuer("Test Root");
  const middle = await createIssuer("Test Middle", root);
  const pair = await middle.issue(["shop.example"]);
  const other = await createIssuer("Elsewhere");
  const foreign = await other.issue(["shop.example"]);
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const [hourAgo, inAnHour] = [new Date(Date.now() - HOUR_MS), new Date(Date.now() + HOUR_MS)];
  const old = await middle.issue(["shop.example"], { notAfter: hourAgo });
  const early = await middle.issue(["shop.example"], { notBefore: inAnHour });
  const check = (chain: string, key = pair.key) =>
    complaint(() => checkCertificate({ chain, key }, HOSTS));
  const cases: [string, string, RegExp][] = [
    ["nothing", check(""), /A certificate in PEM.*was expected\. Give/s],
    ["the key twice", check(pair.key), /and a private key came/],
    [
      "rubbish",
      check("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
      /Certificate 1 of the chain cannot be read/,
    ],
    ["no key", check(pair.cert, pair.cert), /A private key in PEM/],
    ["a locked key", check(pair.cert, "-----BEGIN ENCRYPTED PRIVATE KEY-----"), /passphrase/],
    [
      "another's key",
      check(pair.cert, foreign.key),
      /not the one of the certificate for shop\.example/,
    ],
    ["issuer first", check(middle.cert + pair.cert), /the key belongs to certificate 2/],
    [
      "a foreign issuer",
      check(pair.cert + other.cert),
      /shop\.example was not issued by Elsewhere/,
    ],
    ["run out", check(old.cert, old.key), /ran out at \d{4}-/],
    ["not yet", check(early.cert, early.key), /begins at \d{4}-/],
    [
      "another host's",
      check(...(Object.values(await middle.issue(["blog.example"])) as [string, string])),
      /for shop\.example or shop\.teal\.test was expected, and this one is for blog\.example.*domains:add/,
    ],
    ["eleven", check(pair.cert.repeat(11)), /At most 10/],
    [
      "a short key",
      check(pair.cert, String(short.export({ type: "pkcs8", format: "pem" }))),
      /not the one/,
    ],
  ];
  for (const [name, said, expected] of cases) t.regex(said, expected, name);
});

test("a wildcard covers one label, neither its own name nor two", (t) => {
  t.true(covers(["*.shop.example"], "www.shop.example"));
  t.false(covers(["*.shop.example"], "shop.example"));
  t.false(covers(["*.shop.example"], "a.b.shop.example"));
  t.true(covers(["*.shop.example"], "*.shop.example"));
  t.false(covers(["shop.example"], "*.shop.example"));
  t.false(covers(["*."], "localhost"));
});
