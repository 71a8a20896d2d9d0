import { createHmac } from "node:crypto";
import test from "ava";
import type { Provider } from "../../../apps/senders.ts";
import { verify } from "../../../hooks/webhook-signature.ts";

const SECRET = "It's a Secret to Everybody";
const BODY = Buffer.from("Hello, World!");
const HEX = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/** https://www.standardwebhooks.com, the specification's own example */
const STANDARD = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  body: Buffer.from('{"test": 2432232314}'),
  headers: {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  at: 1614265330_000,
};

test("GitHub's documented vector is good, and nothing near it is", (t) => {
  const check = (signature: string, secret = SECRET, body = BODY) =>
    verify("github", secret, { headers: { "x-hub-signature-256": signature }, body }, 0);
  t.is(check(`sha256=${HEX}`), "good");
  const wrong = ["", "sha256=", HEX, `sha1=${HEX}`, `sha256=${HEX.slice(1)}`, `sha256=${HEX}0`];
  for (const signature of wrong) t.is(check(signature), "bad", signature);
  t.is(check(`sha256=${HEX}`, `${SECRET}!`), "bad");
  t.is(check(`sha256=${HEX}`, SECRET, Buffer.from("Hello, World?")), "bad");
});

test("an empty secret opens nothing, not even to a signature made with it", (t) => {
  const made = createHmac("sha256", "").update(BODY).digest("hex");
  const headers = {
    "x-hub-signature-256": `sha256=${made}`,
    "x-hub-signature": `sha256=${made}`,
    "x-gitea-signature": made,
    "x-gitlab-token": "",
    "webhook-id": "1",
    "webhook-timestamp": "0",
  };
  for (const provider of ["github", "gitea", "gitlab", "bitbucket", "standard"] as Provider[]) {
    t.is(verify(provider, "", { headers, body: BODY }, 0), "bad", provider);
  }
});

test("the specification's vector of Standard Webhooks is good, and stale five minutes on", (t) => {
  const { secret, body, headers, at } = STANDARD;
  t.is(verify("standard", secret, { headers, body }, at), "good");
  t.is(verify("standard", secret, { headers, body }, at + 299_000), "good");
  t.is(verify("standard", secret, { headers, body }, at + 301_000), "stale");
  t.is(verify("standard", secret, { headers, body }, at - 301_000), "stale");
  const several = { ...headers, "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` };
  t.is(verify("standard", secret, { headers: several, body }, at), "good");
  for (const change of [
    { "webhook-id": "msg_other" },
    { "webhook-timestamp": "1614265331" },
    { "webhook-signature": "v1," },
    { "webhook-signature": headers["webhook-signature"].replace("v1", "v1a") },
  ]) {
    const changed = { headers: { ...headers, ...change }, body };
    t.is(verify("standard", secret, changed, at), "bad", JSON.stringify(change));
  }
});

test("GitLab's token is compared whole, and its signature, where there is one, decides", (t) => {
  const { secret, body, headers, at } = STANDARD;
  const token = (value: string) =>
    verify("gitlab", secret, { headers: { "x-gitlab-token": value }, body }, at);
  t.is(token(secret), "good");
  for (const wrong of ["", secret.slice(1), `${secret} `, secret.toLowerCase()])
    t.is(token(wrong), "bad");
  const both = { ...headers, "x-gitlab-token": secret };
  t.is(verify("gitlab", secret, { headers: both, body }, at), "good");
  const forged = { ...both, "webhook-signature": "v1,AAAA" };
  t.is(verify("gitlab", secret, { headers: forged, body }, at), "bad");
});

test("Gitea, Forgejo and Bitbucket sign under names of their own", (t) => {
  const check = (provider: Provider, headers: Record<string, string>) =>
    verify(provider, SECRET, { headers, body: BODY }, 0);
  t.is(check("gitea", { "x-gitea-signature": HEX }), "good");
  t.is(check("gitea", { "x-forgejo-signature": HEX }), "good");
  t.is(check("gitea", { "x-hub-signature-256": `sha256=${HEX}` }), "good");
  t.is(check("gitea", { "x-gitea-signature": HEX.replace("7", "8") }), "bad");
  t.is(check("bitbucket", { "x-hub-signature": `sha256=${HEX}` }), "good");
  t.is(check("bitbucket", { "x-hub-signature": `sha1=${HEX}` }), "bad");
  t.is(check("bitbucket", { "x-hub-signature-256": `sha256=${HEX}` }), "bad");
});
