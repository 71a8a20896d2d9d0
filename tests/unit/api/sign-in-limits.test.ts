import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { requestGit, startPushWorld } from "../../support/push-world.ts";

const wrong = (i: number) => `teal_${"x".repeat(41)}${String(i).padStart(2, "0")}`;

/** Every way in by which somebody could guess; each asks for `secret`, and gives the status. */
const WAYS: Record<string, (api: TestApi, secret: string) => Promise<number>> = {
  "the API's header": async (api, token) => (await call(api, "GET", "/whoami", { token })).status,
  "the dashboard's form": (api, token) => form(api, token),
  "the dashboard's form, by invitation": (api, token) => form(api, `tealinvite_${token.slice(5)}`),
  "the API's invitations": async (api, token) => {
    const invitation = `tealinvite_${token.slice(5)}`;
    const body = { invitation, name: "laptop" };
    return (await call(api, "POST", "/invitations", { token: "", body })).status;
  },
  "a session's cookie": async (api, token) => {
    const headers = { Cookie: `teal_session=${token}` };
    return (await fetch(`${api.url}/`, { headers, redirect: "manual" })).status;
  },
};

async function form(api: TestApi, token: string): Promise<number> {
  const body = new URLSearchParams({ token });
  const headers = { Origin: api.url };
  const sent = { method: "POST", redirect: "manual", headers, body } as const;
  return (await fetch(`${api.url}/sign-in`, sent)).status;
}

for (const [way, guess] of Object.entries(WAYS)) {
  test(`who guesses by ${way} is slowed down, and then by every way`, async (t) => {
    const api = await startApi();
    t.teardown(() => api.stop());
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push(await guess(api, wrong(i)));
    t.false(statuses.slice(0, 10).includes(429), statuses.join(" "));
    t.is(statuses[10], 429, statuses.join(" "));
    t.is((await call(api, "GET", "/whoami", { token: api.tokens.deploy })).status, 429);
    t.is(await form(api, api.tokens.deploy), 429);
  });
}

test("who guesses by git over HTTP is slowed down", async (t) => {
  const world = await startPushWorld();
  t.teardown(() => world.stop());
  const path = "/git/shop.git/info/refs?service=git-upload-pack";
  const guess = async (secret: string) => (await requestGit(world, "GET", path, { secret })).status;
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) statuses.push(await guess(wrong(i)));
  t.deepEqual(new Set(statuses.slice(0, 10)), new Set([401]));
  t.is(statuses[10], 429);
  t.is(await guess(world.admin), 429);
});
