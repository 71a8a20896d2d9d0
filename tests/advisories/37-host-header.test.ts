import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { sendRaw } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const get = (path: string, host: string) =>
  sendRaw(api.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

test("a Host that is more than a name and a port is refused", async (t) => {
  for (const host of [
    "evil:a@app",
    "evil@app",
    "a/b",
    "a b",
    "app:http",
    "[::1",
    "a,b",
    "a?b",
    "",
  ]) {
    for (const path of ["/api/v1/health", "/sign-in", "/"]) {
      t.regex(await get(path, host), /^HTTP\/1\.1 400 /, `${path} for ${host}`);
    }
  }
  for (const host of ["app", "app.example.org:8000", "127.0.0.1:80", "[::1]:8000"]) {
    t.regex(await get("/api/v1/health", host), /^HTTP\/1\.1 200 /, host);
  }
});

test("a redirect is a path of our own, whatever the Host says", async (t) => {
  const answer = await get("/", "evil.example");
  t.regex(answer, /^HTTP\/1\.1 303 /);
  t.regex(answer, /^Location: \/sign-in\r$/m);
  t.false(answer.includes("evil.example"));
  const absolute = await get("http://evil.example//evil.example/%2f..", "app");
  t.notRegex(absolute, /^Location: (?!\/sign-in\r)/m);
});
