import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import test from "ava";
import { startApi } from "../../support/api.ts";

test("behind a proxy at an https address the session's cookie is for TLS alone; by another name it is not", async (t) => {
  const api = await startApi({ publicUrl: "https://teal.example" });
  t.teardown(() => api.stop());

  const signIn = (host: string, scheme: string) => send("/sign-in", host, scheme);
  const outside = await signIn("teal.example", "https");
  t.is(outside.status, 303);
  t.regex(outside.cookie, /; samesite=strict/i);
  t.regex(outside.cookie, /; secure/i);
  t.regex(outside.cookie, /; httponly/i);

  const inside = await signIn(`127.0.0.1:${api.port}`, "http");
  t.is(inside.status, 303);
  t.notRegex(inside.cookie, /; secure/i);
  t.regex(inside.cookie, /; httponly/i);

  const left = await send("/sign-out", "teal.example", "https", outside.cookie.split(";")[0]);
  t.is(left.status, 303);
  t.regex(left.cookie, /^teal_session=;.*; secure/i);

  async function send(path: string, host: string, scheme: string, cookie = "") {
    const body = new URLSearchParams({ token: api.tokens.admin }).toString();
    const asked = request({
      ...{ host: "127.0.0.1", port: api.port, path, method: "POST" },
      headers: {
        ...{ Host: host, Origin: `${scheme}://${host}`, Cookie: cookie },
        "Content-Type": "application/x-www-form-urlencoded",
      },
    });
    asked.end(body);
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.resume();
    return { status: answer.statusCode, cookie: answer.headers["set-cookie"]?.join("\n") ?? "" };
  }
});
