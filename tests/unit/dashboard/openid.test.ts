import { chmodSync } from "node:fs";
import test from "ava";
import { createWalker } from "../../support/cookie-walk.ts";
import { startOidcApi } from "../../support/oidc.ts";
import { CLIENT, startOpenIdProvider, type Account } from "../../support/openid-provider.ts";

let provider: Awaited<ReturnType<typeof startOpenIdProvider>>;
let world: Awaited<ReturnType<typeof startOidcApi>>;
test.beforeEach(async () => {
  provider = await startOpenIdProvider();
  world = await startOidcApi({ issuer: provider.issuer });
  provider.open(world.redirectUri);
  await world.api.store.createApp("shop", "ann");
});
test.afterEach.always(async () => {
  await world?.stop();
  await provider?.stop();
});

const BEGIN = "/sign-in/provider";
const people = () => world.api.access.users;
const add = (name: string, email: string, role: "member" | "admin" = "member") =>
  people().add({ name, role, email, by: "test" });
const isBack = (url: string) => url.startsWith(world.redirectUri);

/** Goes the whole way, as whoever the provider takes the browser for. */
async function signIn(account: Account | "denies", walker = createWalker()) {
  provider.be(account);
  const { seen, response } = await walker.follow(world.api.url + BEGIN);
  const session = walker.cookie(world.api.url, "teal_session");
  return { seen, status: response.status, text: await response.text(), response, session, walker };
}

test.serial(
  "who the provider vouches for is signed in as the user with that address",
  async (t) => {
    await add("ann", "Ann@example.org".toLowerCase());
    await people().grant("ann", "shop", "deploy");
    const { status, response, session, walker, text } = await signIn({
      subject: "subject-of-ann",
      email: "Ann@Example.org",
    });
    t.is(status, 200);
    t.regex(text, /Signed in/);
    t.is(response.headers.get("Refresh"), "0; url=/");
    const cookie = response.headers
      .getSetCookie()
      .find((line) => line.startsWith("teal_session="))!;
    t.regex(cookie, /; samesite=strict/i);
    t.regex(cookie, /; httponly/i);
    const { url } = world.api;
    t.regex(await (await walker.ask(`${url}/apps/shop`)).text(), /ann/);
    t.is((await walker.ask(`${url}/access`)).status, 403);
    t.like(await world.api.access.verifyToken(session!), {
      user: "ann",
      grants: { shop: "deploy" },
    });
    t.deepEqual((await people().get("ann"))?.openid, {
      issuer: provider.issuer,
      subject: "subject-of-ann",
    });
    const events = await world.api.audit.list({ limit: 10 });
    const event = events.find(({ action }) => action === "sign-in");
    t.like(event, {
      who: "ann",
      with: "OpenID",
      action: "sign-in",
      outcome: "done",
      over: "dashboard",
    });

    const out = { method: "POST", headers: { Origin: url } };
    t.is((await walker.ask(`${url}/sign-out`, out)).status, 303);
    t.is(await world.api.access.verifyToken(session!), null);
  },
);

test.serial("the sign-in page leads to the provider, and still takes tokens", async (t) => {
  const text = await (await fetch(`${world.api.url}/sign-in`)).text();
  t.true(text.includes(`href="${world.api.url}${BEGIN}"`));
  t.true(text.includes(new URL(provider.issuer).host));
  t.regex(text, /name="token"/);
});

test.serial("from then on it is who they are there that counts, not the address", async (t) => {
  await add("ben", "ben@example.org");
  t.is((await signIn({ subject: "ben-1", email: "ben@example.org" })).status, 200);
  const moved = await signIn({ subject: "ben-1", email: "other@example.org", verified: false });
  t.is((await world.api.access.verifyToken(moved.session!))?.user, "ben");
  const heir = await signIn({ subject: "ben-2", email: "ben@example.org" });
  t.is(heir.status, 403);
  t.is(heir.session, undefined);
  t.regex(heir.text, /the user with that e-mail address is somebody else there/);
  await people().change("ben", { openid: null });
  t.is((await signIn({ subject: "ben-2", email: "ben@example.org" })).status, 200);
});

test.serial("a removed user's sessions end, and the provider lets them in no more", async (t) => {
  await add("gus", "gus@example.org");
  const { session } = await signIn({ subject: "gus", email: "gus@example.org" });
  await people().remove("gus");
  t.is(await world.api.access.verifyToken(session!), null);
  t.is((await signIn({ subject: "gus", email: "gus@example.org" })).status, 403);
});

test.serial("nobody is made a user, and nobody an admin, by signing in", async (t) => {
  const before = (await people().list()).length;
  const { status, text, session } = await signIn({ subject: "eve", email: "eve@example.org" });
  t.is(status, 403);
  t.is(session, undefined);
  t.regex(text, /knows you as eve@example\.org, which opens nothing here/);
  t.is((await people().list()).length, before);
  await add("mia", "mia@example.org");
  const mia = await signIn({ subject: "mia", email: "mia@example.org" });
  t.deepEqual((await world.api.access.verifyToken(mia.session!))?.grants, {});
  const [event] = await world.api.audit.list({ limit: 1 });
  t.is(event?.who, "mia");
});

test.serial("an address that the provider has not verified, or none, opens nothing", async (t) => {
  await add("uma", "uma@example.org");
  const unverified = await signIn({ subject: "u-1", email: "uma@example.org", verified: false });
  t.is(unverified.status, 403);
  t.regex(unverified.text, /does not say that the e-mail address is yours/);
  const none = await signIn({ subject: "u-2" });
  t.is(none.status, 403);
  t.regex(none.text, /gives no e-mail address/);
  await add("uma2", "uma@example.org");
  const twice = await signIn({ subject: "u-3", email: "uma@example.org" });
  t.regex(twice.text, /more than one user/);
  t.is(twice.session, undefined);
  t.is((await people().get("uma"))?.openid, undefined);
});

test.serial("a user can be named by who they are there, without an address", async (t) => {
  await add("mia", "mia@example.org");
  await people().add({ name: "sub", role: "member", by: "test" });
  const openid = { issuer: provider.issuer, subject: "only-a-subject" };
  await people().change("sub", { openid });
  const { session } = await signIn({ subject: "only-a-subject" });
  t.is((await world.api.access.verifyToken(session!))?.user, "sub");
  await t.throwsAsync(people().change("mia", { openid }), { message: /^sub signs in as that one/ });
});

test.serial("an answer is good once, and in the browser that asked", async (t) => {
  await add("pia", "pia@example.org");
  provider.be({ subject: "pia", email: "pia@example.org" });
  const walker = createWalker();
  const way = await walker.follow(world.api.url + BEGIN, isBack);
  const back = way.seen.at(-1)!;
  const kept = walker.cookie(world.api.url, "teal_sign_in")!;
  const elsewhere = await createWalker().ask(back);
  t.is(elsewhere.status, 400);
  t.regex(await elsewhere.text(), /begun in another browser/);
  const forged = await walker.ask(back.replace(/state=[^&]+/, "state=forged"));
  t.is(forged.status, 400);
  t.is(walker.cookie(world.api.url, "teal_session"), undefined);

  const again = createWalker();
  const second = (await again.follow(world.api.url + BEGIN, isBack)).seen.at(-1)!;
  const cookie = again.cookie(world.api.url, "teal_sign_in")!;
  t.is((await again.ask(second)).status, 200);
  const replay = await fetch(second, { headers: { Cookie: `teal_sign_in=${cookie}` } });
  t.is(replay.status, 400);
  t.deepEqual(
    replay.headers.getSetCookie().filter((line) => line.startsWith("teal_session=")),
    [],
  );

  // Another's code with one's own state: it was not asked for with this browser's verifier.
  const code = /code=[^&]+/.exec(second)![0];
  const mixed = createWalker();
  const third = (await mixed.follow(world.api.url + BEGIN, isBack)).seen.at(-1)!;
  const stolen = await mixed.ask(third.replace(/code=[^&]+/, code));
  t.is(stolen.status, 403);
  t.regex(await stolen.text(), /provider said no: invalid_grant/);
  t.is(mixed.cookie(world.api.url, "teal_session"), undefined);
  t.not(kept, cookie);
});

test.serial("who says no at the provider is told so, and not signed in", async (t) => {
  const { status, text, session } = await signIn("denies");
  t.is(status, 403);
  t.regex(text, /provider said no: access_denied, not today/);
  t.is(session, undefined);
});

test.serial("the client's secret is for its owner alone", async (t) => {
  const other = await startOidcApi({ issuer: provider.issuer });
  t.teardown(() => other.stop());
  chmodSync(other.secretFile, 0o644);
  const response = await fetch(other.api.url + BEGIN, { redirect: "manual" });
  t.is(response.status, 502);
  t.regex(await response.text(), /readable by its owner alone/);
  chmodSync(other.secretFile, 0o600);
  t.is((await fetch(other.api.url + BEGIN, { redirect: "manual" })).status, 303);
});

test.serial("no code, state, verifier or secret is in the log or the audit log", async (t) => {
  await add("log", "log@example.org");
  const { seen, session } = await signIn({ subject: "log", email: "log@example.org" });
  const back = new URL(seen.at(-1)!);
  const events = JSON.stringify(await world.api.audit.list({ limit: 1000 }));
  for (const secret of [
    ...["code", "state"].map((name) => back.searchParams.get(name)!),
    ...[CLIENT.secret, session!],
  ]) {
    t.true(secret.length > 10);
    t.false(world.api.logged.join("\n").includes(secret));
    t.false(events.includes(secret));
    t.false(seen.slice(0, -1).some((url) => url.includes(CLIENT.secret)));
  }
});

test.serial("who fails again and again is slowed down", async (t) => {
  const other = await startOidcApi({ issuer: provider.issuer });
  t.teardown(() => other.stop());
  const answer = `${other.redirectUri}?code=x&state=y`;
  for (let i = 0; i < 10; i++) t.is((await fetch(answer)).status, 400);
  const response = await fetch(answer);
  t.is(response.status, 429);
  t.regex(response.headers.get("Retry-After") ?? "", /^\d+$/);
});
