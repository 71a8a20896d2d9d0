import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { createIssuer } from "../../support/certificates.ts";
import { createWalker } from "../../support/cookie-walk.ts";
import { startLyingProvider, type Lie } from "../../support/lying-provider.ts";
import { startOidcApi } from "../../support/oidc.ts";
import { CLIENT } from "../../support/openid-provider.ts";

const BEGIN = "/sign-in/provider";
const LIES: [what: string, lie: Lie, status: number, says: RegExp][] = [
  ["a key of somebody else's", { otherKey: true }, 403, /did not hold up.*signature/],
  ["no signature", { unsigned: true }, 403, /did not hold up/],
  ["another audience", { claims: { aud: "another" } }, 403, /did not hold up.*aud/],
  ["another nonce", { claims: { nonce: "another" } }, 403, /did not hold up.*nonce/],
  ["no nonce", { claims: { nonce: undefined } }, 403, /did not hold up.*nonce/],
  ["another issuer in the token", { claims: { iss: "https://evil.example" } }, 403, /iss/],
  ["a token that has run out", { claims: { exp: 1_000_000_000 } }, 403, /did not hold up/],
  ["another party's token", { claims: { aud: [CLIENT.id, "x"], azp: "x" } }, 403, /azp/],
  ["another issuer in the address", { answer: { iss: "https://evil.example" } }, 403, /iss/],
  ["a code that is over", { token: [400, { error: "invalid_grant" }] }, 403, /said no/],
  [
    "a client that it does not know",
    { token: [401, { error: "invalid_client" }] },
    502,
    /cannot be used/,
  ],
  ["a fault of its own", { token: [500, "oh no"] }, 502, /cannot be used/],
  ["no ID token", { token: [200, { access_token: "x", token_type: "Bearer" }] }, 403, /hold up/],
];

for (const [what, lie, status, says] of LIES) {
  test.serial(`a provider that gives ${what} signs nobody in`, async (t) => {
    const provider = await startLyingProvider(CLIENT.id);
    const world = await startOidcApi({ issuer: provider.issuer });
    t.teardown(async () => {
      await world.stop();
      await provider.stop();
    });
    await world.api.access.users.add({ ...ann, role: "admin" });
    provider.tell(lie);
    const walker = createWalker();
    const { response } = await walker.follow(world.api.url + BEGIN);
    t.is(response.status, status);
    t.regex((await response.text()).replaceAll(/\s+/g, " "), says);
    t.is(walker.cookie(world.api.url, "teal_session"), undefined);
    t.is((await world.api.access.users.get("ann"))?.openid, undefined);
    const [event] = await world.api.audit.list({ limit: 1 });
    t.like(event, { who: null, action: "sign-in", outcome: "refused" });

    provider.tell({});
    const honest = createWalker();
    t.is((await honest.follow(world.api.url + BEGIN)).response.status, 200);
    t.truthy(honest.cookie(world.api.url, "teal_session"));
  });
}

const ann = { name: "ann", email: "ann@example.org", role: "member", by: "test" } as const;

test("a provider that is down, or says that it is another, is a page; tokens go on", async (t) => {
  const provider = await startLyingProvider(CLIENT.id);
  const world = await startOidcApi({ issuer: provider.issuer });
  t.teardown(() => world.stop());
  provider.tell({ metadata: { issuer: "https://evil.example" } });
  const other = await fetch(world.api.url + BEGIN, { redirect: "manual" });
  t.is(other.status, 403);
  t.regex(await other.text(), /did not hold up.*issuer/s);
  provider.tell({});
  t.is((await fetch(world.api.url + BEGIN, { redirect: "manual" })).status, 303);
  await provider.stop();

  const down = await startOidcApi({ issuer: provider.issuer });
  t.teardown(() => down.stop());
  const response = await fetch(down.api.url + BEGIN, { redirect: "manual" });
  t.is(response.status, 502);
  t.regex(await response.text(), /cannot be used now: .*ECONNREFUSED/);
  const form = new URLSearchParams({ token: down.api.tokens.admin });
  const headers = { Origin: down.api.url };
  const asked = { method: "POST", headers, body: form, redirect: "manual" } as const;
  t.is((await fetch(`${down.api.url}/sign-in`, asked)).status, 303);
});

test("the issuer may be on a private network; where it sends us on may not", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "teal-ca-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const authority = await createIssuer();
  const caFile = join(dir, "ca.pem");
  writeFileSync(caFile, authority.cert);
  const pair = await authority.issue(["localhost"]);
  const provider = await startLyingProvider(CLIENT.id, pair);
  const inner = await startLyingProvider(CLIENT.id, pair);
  t.teardown(async () => void (await Promise.all([provider.stop(), inner.stop()])));

  /** Signs in under an authority or none, at a provider that says so of itself. */
  async function signIn(metadata: Record<string, unknown>, ca: string | null = caFile) {
    const world = await startOidcApi({ issuer: provider.issuer, allowPrivate: false, caFile: ca });
    t.teardown(() => world.stop());
    await world.api.access.users.add(ann);
    provider.tell({ metadata });
    const walker = createWalker();
    const begun = await walker.ask(world.api.url + BEGIN);
    const there = begun.headers.get("Location");
    return there === null ? begun : walker.ask(await locationOf(there, authority.cert));
  }

  t.is((await signIn({})).status, 200);
  t.is((await signIn({}, null)).status, 502);
  for (const field of ["token_endpoint", "jwks_uri"]) {
    const response = await signIn({ [field]: `${inner.issuer}/token` });
    t.is(response.status, 502, field);
    t.regex(await response.text(), /cannot be used now: .*127\.0\.0\.1/, field);
  }
  t.deepEqual(inner.asked(), []);
  const plain = await signIn({ token_endpoint: "http://id.example/token" });
  t.regex(await plain.text(), /only requests to HTTPS are allowed/);
});

function locationOf(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { ca }, (answer) => {
      answer.resume();
      resolve(answer.headers.location ?? "");
    });
    asked.on("error", reject);
  });
}
