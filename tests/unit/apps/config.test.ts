import test from "ava";
import { readSettings } from "../../../apps/config.ts";
import { deployUrl, publicUrl } from "../../../apps/public-url.ts";

test("Trusted proxies are addresses and ranges, of IPv4 and IPv6", (t) => {
  const { trustedProxies, proxyProtocol } = readSettings({
    TEAL_TRUSTED_PROXIES: "10.0.0.0/8, 192.0.2.1 2001:db8::/32,::1",
    TEAL_PROXY_PROTOCOL: "on",
  });
  t.deepEqual(trustedProxies, [
    { address: "10.0.0.0", prefix: 8 },
    { address: "192.0.2.1", prefix: 32 },
    { address: "2001:db8::", prefix: 32 },
    { address: "::1", prefix: 128 },
  ]);
  t.true(proxyProtocol);
  t.like(readSettings({}), { trustedProxies: [], proxyProtocol: false });
});

for (const wrong of [
  "10.0.0.0/33",
  "10.0.0",
  "example.org",
  "::1/129",
  "1.2.3.4/-1",
  "1.2.3.4/8/8",
]) {
  test(`No range of trusted proxies: ${wrong}`, (t) => {
    t.throws(() => readSettings({ TEAL_TRUSTED_PROXIES: `10.0.0.1,${wrong}` }), {
      message: new RegExp(`TEAL_TRUSTED_PROXIES.*: ${wrong} is no address`),
    });
  });
}

test("A new version has a minute to become healthy, unless it is said", (t) => {
  t.is(readSettings({}).deployTimeoutMs, 60_000);
  t.is(readSettings({ TEAL_DEPLOY_TIMEOUT: "90" }).deployTimeoutMs, 90_000);
});

test("The PROXY protocol without trusted proxies is a mistake", (t) => {
  t.throws(() => readSettings({ TEAL_PROXY_PROTOCOL: "on" }), { message: /TEAL_TRUSTED_PROXIES/ });
});

test("The public URL is that of TEAL_PUBLIC_URL, else of the domain and the API's port", (t) => {
  const plain = readSettings({ TEAL_DOMAIN: "example.org", TEAL_API_PORT: "8100" });
  t.is(publicUrl(plain), "http://example.org:8100");
  const given = readSettings({ TEAL_PUBLIC_URL: "https://Teal.Example.com/" });
  t.is(publicUrl(given), "https://teal.example.com");
  t.is(publicUrl(readSettings({ TEAL_PUBLIC_URL: "http://[::1]:81" })), "http://[::1]:81");
  t.is(
    deployUrl(publicUrl(given), "shop", "shop-7"),
    "https://teal.example.com/apps/shop/deploys/shop-7",
  );
});

for (const wrong of [
  "teal.example.com",
  "ftp://teal.example.com",
  "https://teal.example.com/platform",
  "https://ann:secret@teal.example.com",
  "https://teal.example.com?x",
  "https://teal.example.com/#top",
  "https://",
]) {
  test(`No public URL: ${wrong}`, (t) => {
    t.throws(() => readSettings({ TEAL_PUBLIC_URL: wrong }), {
      message: /TEAL_PUBLIC_URL=.*: an address such as https:\/\/teal\.example\.com/,
    });
  });
}

test("An OpenID provider is named whole, and by https", (t) => {
  const whole = { TEAL_OIDC_ISSUER: "https://id.example.org/x", TEAL_OIDC_CLIENT_ID: "teal" };
  t.deepEqual(readSettings(whole).oidc, { issuer: "https://id.example.org/x", clientId: "teal" });
  t.is(readSettings({}).oidc, null);
  const half = { TEAL_OIDC_ISSUER: "https://id.example.org" };
  t.throws(() => readSettings(half), { message: /together or not at all/ });
  const plain = { ...whole, TEAL_OIDC_ISSUER: "http://id.example.org" };
  t.throws(() => readSettings(plain), { message: /https:\/\/ was expected/ });
  t.truthy(readSettings({ ...plain, TEAL_ALLOW_PRIVATE_FETCH: "1" }).oidc);
  for (const wrong of ["id.example.org", "https://a:b@id.example.org", "https://id.example.org?x"])
    t.throws(() => readSettings({ ...whole, TEAL_OIDC_ISSUER: wrong }), { message: /ISSUER/ });
});
