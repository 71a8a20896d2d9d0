import test from "ava";
import { OK_CLOSE, startRawApp } from "../support/router-rig.ts";
import { kept, startTlsRouter, tlsClient } from "../support/tls-rig.ts";

for (const [name, host] of [
  ["another app", "blog.test"],
  ["another host of the same app", "www.shop.test"],
  ["a host that nobody has", "other.test"],
]) {
  test(`421, closed, and nothing reaches an app: a TLS connection for one host, a request for ${name}`, async (t) => {
    const rig = await startTlsRouter(t);
    const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    rig.route([app.port], { hosts: ["shop.test", "www.shop.test"] });
    rig.route([app.port], { app: "blog", version: 1, hosts: ["blog.test"] });
    const { issuer } = rig;
    const blog = kept(await issuer.issue(["blog.test"]), ["blog.test"], { app: "blog" });
    rig.router.setCertificates([...rig.certificates, blog]);
    const client = await tlsClient(t, rig, { text: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n` });
    t.regex(await client.end(), /^HTTP\/1\.1 421 Misdirected Request\r\n/);
    t.deepEqual(app.received, []);
  });
}

test("Case, a trailing dot and a port make no other host", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const host of ["SHOP.test", "shop.test.", "shop.test:8443"]) {
    const client = await tlsClient(t, rig, { text: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n` });
    t.regex(await client.until(/ok$/), /^HTTP\/1\.1 200 /);
  }
});

test("An absolute target of plain http is not for a TLS connection", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([1]);
  const text = "GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n";
  t.regex(await (await tlsClient(t, rig, { text })).end(), /^HTTP\/1\.1 400 /);
});
