import test from "ava";
import { OK_CLOSE, rawClient, startRawApp, startRouter } from "../support/router-rig.ts";

test("Only the very host of an app reaches it", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { hosts: ["app.x"] });
  for (const host of [
    "evilapp.x",
    "app.x.evil",
    "a.app.x",
    "app.x..",
    "app",
    ".x",
    "__proto__",
    "constructor",
    "[::1]",
  ]) {
    const client = await rawClient(
      t,
      rig.port,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    t.regex(
      await client.end(),
      host.startsWith(".") ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 404 /,
      host,
    );
  }
  t.deepEqual(app.received, []);
  const client = await rawClient(
    t,
    rig.port,
    "GET / HTTP/1.1\r\nHost: APP.x:80\r\nConnection: close\r\n\r\n",
  );
  t.regex(await client.end(), /200 OK/);
});

test("A host that left a route is unknown at once", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { hosts: ["one.test", "two.test"] });
  rig.route([app.port], { hosts: ["two.test"] });
  const get = async (host: string) =>
    (
      await rawClient(t, rig.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    ).end();
  t.regex(await get("one.test"), /^HTTP\/1\.1 404 /);
  t.regex(await get("two.test"), /^HTTP\/1\.1 200 /);
  rig.router.apply({ type: "gone", app: "shop", version: 3 });
  t.regex(await get("two.test"), /^HTTP\/1\.1 404 /);
});
