import { randomBytes } from "node:crypto";
import test from "ava";
import { OK_CLOSE, eventually, rawClient, startRawApp } from "../support/router-rig.ts";
import { startTlsRouter, tlsClient } from "../support/tls-rig.ts";

const uint16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const sized = (body: Buffer) => Buffer.concat([uint16(body.length), body]);

/** A ClientHello that asks for `name`, byte by byte as given; null: it asks for none. */
function hello(name: Buffer | null, more: Buffer = Buffer.alloc(0)): Buffer {
  const entry = name && sized(Buffer.concat([Buffer.from([0]), sized(name)]));
  const extensions = Buffer.concat([
    ...(entry ? [uint16(0), sized(entry)] : []),
    ...[uint16(43), sized(Buffer.from([2, 3, 4]))],
    more,
  ]);
  const body = Buffer.concat([
    ...[Buffer.from([3, 3]), randomBytes(32), Buffer.from([0])],
    ...[sized(Buffer.from([0x13, 1])), Buffer.from([1, 0]), sized(extensions)],
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), uint16(body.length), body]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(message)]);
}

const ALERT = /^\x15\x03\x03\x00\x02\x02/;

const NAMES: [string, Buffer | null][] = [
  ["none", null],
  ["an empty one", Buffer.from("")],
  ["one of 255 bytes", Buffer.alloc(255, "a")],
  ["one of 60,000 bytes", Buffer.alloc(60_000, "a")],
  ["one with NUL", Buffer.from("shop.test\0.evil")],
  ["dots", Buffer.from("..")],
  ["a path", Buffer.from("../../etc/passwd")],
  ["an unknown one", Buffer.from("other.test")],
  ["bytes beyond ASCII", Buffer.from([0xff, 0xfe, 0x80])],
  ["line ends", Buffer.from("shop.test\r\nX: y")],
  ["__proto__", Buffer.from("__proto__")],
  ["constructor", Buffer.from("constructor")],
];

for (const [what, name] of NAMES) {
  test(`A server name that is ${what} gets an alert, and the router serves on`, async (t) => {
    const rig = await startTlsRouter(t);
    const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    rig.route([app.port]);
    const client = await rawClient(t, rig.tlsPort, "");
    client.socket.write(name && name.length > 16_000 ? large(name) : hello(name));
    t.regex(await client.end(), ALERT);
    const text = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    t.regex(await (await tlsClient(t, rig, { text })).until(/ok$/), /200 OK/);
  });
}

/** In several records, as a hello longer than one has to come. */
function large(name: Buffer): Buffer {
  const message = Buffer.concat([Buffer.from([1, 0, 250, 0]), hello(name).subarray(9)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 16_000) {
    records.push(Buffer.from([22, 3, 1]), sized(message.subarray(at, at + 16_000)));
  }
  return Buffer.concat(records);
}

test("Cut, twisted and random hellos end in an alert or a close, a name in pieces is understood", async (t) => {
  const rig = await startTlsRouter(t, { limits: { headersMs: 1500 } });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const whole = hello(Buffer.from("shop.test"));
  const sent: Buffer[] = [
    Buffer.from("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"),
    randomBytes(2000),
  ];
  for (let i = 0; i < whole.length; i++) {
    const twisted = Buffer.from(whole);
    twisted[i] = 255 - (twisted[i] as number);
    sent.push(twisted, whole.subarray(0, i));
  }
  const clients = await Promise.all(sent.map(() => rawClient(t, rig.tlsPort)));
  clients.forEach((client, i) => client.socket.end(sent[i] as Buffer));
  await Promise.all(clients.map((client) => client.end()));
  await eventually(() => rig.router.stats().connections === 0);
  const slow = await rawClient(t, rig.tlsPort);
  for (const byte of whole) slow.socket.write(Buffer.from([byte]));
  // No key share: OpenSSL asks for one, so the name was found and answered.
  await eventually(() => slow.text().length > 0);
  t.regex(slow.text(), /^[\x15\x16]/);
  const text = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
  t.regex(await (await tlsClient(t, rig, { text })).until(/ok$/), /200 OK/);
});

test("A handshake that does not go on is given up in time", async (t) => {
  const rig = await startTlsRouter(t, { limits: { headersMs: 500 } });
  const silent = await rawClient(t, rig.tlsPort);
  const half = await rawClient(t, rig.tlsPort, "\x16\x03\x01");
  t.is(await silent.end(), "");
  t.is(await half.end(), "");
  t.is(rig.router.stats().connections, 0);
});
