import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { call, sendRaw } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

test("headers named as parts of an object are headers like others", async (t) => {
  for (const name of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
    for (const path of ["/api/v1/health", "/sign-in"]) {
      const lines = `${name}: x\r\n${name}: y\r\n`;
      const answer = await sendRaw(
        api.port,
        `GET ${path} HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n\r\n`,
      );
      t.regex(answer, /^HTTP\/1\.1 200 /, `${name} ${path}`);
    }
  }
});

test("JSON with hostile or numeric keys is refused and changes no object", async (t) => {
  const bodies = [
    '{"__proto__":{"admin":true},"name":"a"}',
    '{"constructor":{"prototype":{"admin":true}},"name":"a"}',
    '{"0":1,"4294967294":2,"4294967295":3,"9007199254740993":4}',
    `{${Array.from({ length: 20_000 }, (_, i) => `"${i}":0`).join(",")}}`,
  ];
  for (const raw of bodies) {
    const answer = await call(api, "POST", "/apps", { raw });
    t.is(answer.status, 400, raw.slice(0, 60));
  }
  t.is(({} as Record<string, unknown>)["admin"], undefined);
  t.deepEqual(await api.store.listApps(), []);
});

test("apps, deploys and releases named as parts of an object are not there", async (t) => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    for (const path of [
      `/apps/${name}`,
      `/apps/${name}/releases`,
      `/deploys/${name}`,
      `/deploys/${name}-1/log`,
    ]) {
      t.is((await call(api, "GET", path)).status, 404, path);
    }
  }
  t.is((await call(api, "GET", "/apps?__proto__=1&constructor=2")).status, 200);
});
