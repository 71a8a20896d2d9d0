import test from "ava";
import { HEAD, OK_CLOSE, rawClient, startRawApp, startRouter } from "../support/router-rig.ts";

const WRONG: [name: string, bytes: string][] = [
  ["two Host fields", `GET / HTTP/1.1\r\n${HEAD}Host: other.test\r\n\r\n`],
  ["two equal Host fields", `GET / HTTP/1.1\r\n${HEAD}${HEAD}\r\n`],
  ["user information", "GET / HTTP/1.1\r\nHost: evil:a@shop.test\r\n\r\n"],
  ["a path in Host", "GET / HTTP/1.1\r\nHost: shop.test/b@c\r\n\r\n"],
  ["a list", "GET / HTTP/1.1\r\nHost: shop.test, other.test\r\n\r\n"],
  ["a space", "GET / HTTP/1.1\r\nHost: shop.test other\r\n\r\n"],
  ["a port that is no number", "GET / HTTP/1.1\r\nHost: shop.test:80x\r\n\r\n"],
  ["bytes beyond ASCII", "GET / HTTP/1.1\r\nHost: sh\xf6p.test\r\n\r\n"],
  ["an absolute target of another host", `GET http://other.test/ HTTP/1.1\r\n${HEAD}\r\n`],
  ["an absolute target of another port", `GET http://shop.test:81/ HTTP/1.1\r\n${HEAD}\r\n`],
  ["an absolute target with user information", `GET http://a@shop.test/ HTTP/1.1\r\n${HEAD}\r\n`],
  ["an absolute target of another scheme", `GET ftp://shop.test/ HTTP/1.1\r\n${HEAD}\r\n`],
  ["a target without a slash", `GET shop HTTP/1.1\r\n${HEAD}\r\n`],
  ["an asterisk that is not OPTIONS'", `GET * HTTP/1.1\r\n${HEAD}\r\n`],
];

for (const [name, bytes] of WRONG) {
  test(`400, closed, and nothing reaches an app: ${name}`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, bytes);
    t.regex(await client.end(), /^HTTP\/1\.1 400 /);
    t.deepEqual(app.received, []);
  });
}

test("An absolute target of the same host is sent on in origin form", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const target of ["http://shop.test/a?b", "HTTP://SHOP.test:80/a?b"]) {
    const client = await rawClient(
      t,
      rig.port,
      `GET ${target} HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
    );
    t.regex(await client.end(), /200 OK/);
    t.regex(app.received.at(-1) ?? "", /^GET \/a\?b HTTP\/1\.1\r\n/);
  }
  const client = await rawClient(
    t,
    rig.port,
    `GET http://shop.test?b HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`,
  );
  await client.end();
  t.regex(app.received.at(-1) ?? "", /^GET \/\?b HTTP\/1\.1\r\n/);
});
