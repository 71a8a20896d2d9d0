import { createHash } from "node:crypto";
import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";

const HOUR = 3600;
let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

/** Within a minute of it. */
const about = (seconds: number, wanted: number) => Math.abs(seconds - wanted) < 60;

test("an invitation is good for a week, and then for nobody", async (t) => {
  const { json } = await call(api, "POST", "/users", { body: { name: "una" } });
  const week = 7 * 24 * HOUR;
  t.true(about((json.expiresAt - Date.now()) / 1000, week));
  const key = keys.invitation(createHash("sha256").update(json.invitation).digest("hex"));
  const redis = api.redis.connect();
  t.true(about(await redis.ttl(key), week));
  await redis.pexpire(key, 1);
  await new Promise((done) => setTimeout(done, 20));
  const body = { invitation: json.invitation };
  const late = await call(api, "POST", "/invitations", { token: "", body });
  t.is(late.json.title, "invitation-spent");
});

test("a session is good for twelve hours, and for no longer than the token that began it", async (t) => {
  const { id, secret } = await api.access.createToken({ name: "temp", role: "read", apps: "*" });
  const signedIn = await fetch(`${api.url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: api.url },
    body: new URLSearchParams({ token: secret }),
  });
  const [cookie = "", ...attributes] = (signedIn.headers.get("Set-Cookie") ?? "").split("; ");
  const expires = attributes.find((one) => one.startsWith("expires="))?.slice(8) ?? "";
  t.true(about((Date.parse(expires) - Date.now()) / 1000, 12 * HOUR), expires);
  const { tokens } = (await call(api, "GET", "/tokens")).json;
  const session = tokens.find((one: any) => one.kind === "session" && one.name === "temp");
  t.true(about((session.expiresAt - Date.now()) / 1000, 12 * HOUR));
  const home = () => fetch(`${api.url}/`, { redirect: "manual", headers: { Cookie: cookie } });
  t.is((await home()).status, 200);
  await api.access.revokeToken(id);
  t.is((await home()).status, 303);
});
