import test from "ava";
import { startApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";

// Far above the second or two it should take, far below what a client would wait.
const SOON = 8000;

for (const [how, signal] of [
  ["is stopped", "SIGSTOP"],
  ["has died", "SIGKILL"],
] as const) {
  test(`when the store ${how}, every request is answered 503 soon, and says so`, async (t) => {
    const api = await startApi();
    t.teardown(() => api.stop());
    api.redis.server.kill(signal);
    const began = Date.now();
    const requests = [
      call(api, "GET", "/health", { token: "" }),
      call(api, "GET", "/apps"),
      call(api, "POST", "/apps", { body: { name: "shop" } }),
    ];
    for (const answer of await Promise.all(requests)) {
      t.is(answer.status, 503);
      t.is(answer.json.title, "store-unavailable");
    }
    const page = await fetch(`${api.url}/`, {
      headers: { Cookie: `teal_session=${api.tokens.admin}` },
    });
    t.is(page.status, 503);
    t.true(Date.now() - began < SOON);
    api.redis.server.kill("SIGCONT");
  });
}
