import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import fc from "fast-check";
import { NO_HEADER, readProxyHeader } from "../../../router/proxy-header.ts";
import {
  eventually,
  HEAD,
  OK,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";
import { startTlsRouter, tlsClient } from "../../support/tls-rig.ts";

const LOOPBACK = [{ address: "127.0.0.1", prefix: 32 }];
const GET = `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

/** A binary header. `kind`: family and protocol. */
function binary(command: number, kind: number, rest: number[], length = rest.length): string {
  const bytes = [0x20 | command, kind, length >> 8, length & 255, ...rest];
  return SIGNATURE + Buffer.from(bytes).toString("latin1");
}

const V4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x30, 0x39, 0, 80];
const V6 = [
  0x20,
  1,
  0xd,
  0xb8,
  ...Array<number>(11).fill(0),
  7,
  ...Array<number>(16).fill(1),
  1,
  2,
  3,
  4,
];

const SOUND: [name: string, header: string, address: string | null][] = [
  ["text, IPv4", "PROXY TCP4 203.0.113.7 10.0.0.1 12345 80\r\n", "203.0.113.7"],
  ["text, IPv6", "PROXY TCP6 2001:db8::7 ::1 12345 80\r\n", "2001:db8::7"],
  ["text, unknown", "PROXY UNKNOWN\r\n", null],
  ["text, unknown with more", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", null],
  ["binary, IPv4", binary(1, 0x11, V4), "203.0.113.7"],
  ["binary, IPv6", binary(1, 0x21, V6), "2001:db8::7"],
  ["binary, with extras", binary(1, 0x11, [...V4, 1, 0, 2, 104, 50, 4, 0, 0]), "203.0.113.7"],
  ["binary, a unix socket", binary(1, 0x31, Array<number>(216).fill(7)), null],
  ["binary, local", binary(0, 0x11, V4), null],
  ["binary, local of no family", binary(0, 0, []), null],
  ["binary, unspecified", binary(1, 0, []), null],
];

const UNSOUND: [name: string, header: string][] = [
  ["a request", GET],
  ["another word", "PROXX TCP4 1.1.1.1 2.2.2.2 1 2\r\n"],
  ["lower case", "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n"],
  ["two blanks", "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n"],
  ["an address of the other family", "PROXY TCP4 ::1 ::1 1 2\r\n"],
  ["no address", "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"],
  ["a zone", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n"],
  ["a port too many", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"],
  ["a port too few", "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"],
  ["a port too large", "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"],
  ["a port with a zero before it", "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"],
  ["a bare LF", `PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n${"x".repeat(100)}`],
  ["a family too new", "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"],
  ["no end", `PROXY UNKNOWN ${"x".repeat(120)}\r\n`],
  ["binary, version 1", SIGNATURE + "\x11\x11\0\x0c" + "x".repeat(12)],
  ["binary, an unknown command", binary(2, 0x11, V4)],
  ["binary, UDP", binary(1, 0x12, V4)],
  ["binary, an unknown family", binary(1, 0x41, V4)],
  ["binary, too short for its family", binary(1, 0x21, V4)],
  ["binary, endless", binary(1, 0x11, V4, 65_535)],
  ["binary, an extra that ends too late", binary(1, 0x11, [...V4, 1, 0, 9, 104])],
  ["binary, half an extra", binary(1, 0x11, [...V4, 1, 0])],
];

for (const [name, text, address] of SOUND) {
  test(`A PROXY header, in however many pieces: ${name}`, (t) => {
    const bytes = Buffer.from(`${text}GET`, "latin1");
    const size = bytes.length - 3;
    for (let i = 0; i < size; i++) t.is(readProxyHeader(bytes.subarray(0, i)), null, String(i));
    t.deepEqual(readProxyHeader(bytes), { size, address });
  });
}

for (const [name, text] of UNSOUND) {
  test(`No PROXY header: ${name}`, (t) => {
    t.is(readProxyHeader(Buffer.from(text, "latin1")), NO_HEADER);
  });
}

test("No bytes make the reader throw, or wait for more than a header can hold", (t) => {
  const starts = fc.constantFrom(
    "",
    "PROXY ",
    "PROXY TCP4 1.1.1.1 ",
    SIGNATURE,
    `${SIGNATURE}\x21\x11`,
  );
  const property = fc.property(starts, fc.uint8Array({ maxLength: 300 }), (start, more) => {
    const bytes = Buffer.concat([Buffer.from(start, "latin1"), more]);
    const read = readProxyHeader(bytes);
    if (read !== null && read !== NO_HEADER) t.true(read.size <= bytes.length);
  });
  fc.assert(property, { numRuns: 2000 });
  t.is(readProxyHeader(Buffer.alloc(5000, "PROXY TCP4 ")), NO_HEADER);
});

test("The app sees the address that a trusted proxy told, whatever pieces it came in", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK, proxyProtocol: true });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const [name, header, address] of SOUND) {
    for (const cut of [0, 9, header.length]) {
      const all = header + GET;
      const client = await rawClient(t, rig.port, all.slice(0, cut));
      if (cut > 0) await sleep(5);
      client.write(all.slice(cut));
      t.regex(await client.end(), /^HTTP\/1\.1 200 /, name);
      const seen = app.received.at(-1) ?? "";
      t.true(
        seen.includes(`\r\nx-forwarded-for: ${address ?? "127.0.0.1"}\r\n`),
        `${name}: ${seen}`,
      );
    }
  }
});

test("Large heads and bodies right behind a header that came in pieces do no harm", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK, proxyProtocol: true });
  const app = await startRawApp(t, (socket) => {
    socket.write(OK);
    // The connection is used again, for a request without a body.
    socket.on("data", () => socket.write(OK));
  });
  rig.route([app.port]);
  const long = "x".repeat(20_000);
  const [start, end] = ["PROXY UNKN", "OWN\r\n"];
  await (await rawClient(t, rig.port, `${start}${end}${GET}`)).end();
  for (const request of [
    `GET / HTTP/1.1\r\n${HEAD}X-Long: ${long}\r\nConnection: close\r\n\r\n`,
    `PUT / HTTP/1.1\r\n${HEAD}Content-Length: ${long.length}\r\nConnection: close\r\n\r\n${long}`,
  ]) {
    const client = await rawClient(t, rig.port, start);
    await sleep(50);
    client.write(end + request);
    t.regex(await client.end(), /^HTTP\/1\.1 200 /);
  }
});

test("Claims count for the address that the header told, not for the proxy that told it", async (t) => {
  const trustedProxies = [...LOOPBACK, { address: "10.0.0.0", prefix: 8 }];
  const rig = await startRouter(t, { trustedProxies, proxyProtocol: true });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const [from, real] of [
    ["203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", "6.6.6.6"],
  ]) {
    const get = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
    await (await rawClient(t, rig.port, `PROXY TCP4 ${from} 10.0.0.1 1 2\r\n${get}`)).end();
    t.true(app.received.at(-1)?.includes(`\r\nx-real-ip: ${real}\r\n`), from);
  }
});

test("Who is no trusted proxy, or sends anything else, is cut off without an answer", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK, proxyProtocol: true });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const [name, text] of UNSOUND) {
    const client = await rawClient(t, rig.port, text);
    t.is(await client.end(), "", name);
  }
  const strict = await startRouter(t, {
    trustedProxies: [{ address: "192.0.2.1", prefix: 32 }],
    proxyProtocol: true,
  });
  strict.route([app.port]);
  t.is(await (await rawClient(t, strict.port, `${SOUND[0]?.[1]}${GET}`)).end(), "");
  t.deepEqual(app.received, []);
});

test("A proxy that does not finish its header is cut off in time, and the router goes on", async (t) => {
  const rig = await startRouter(t, {
    trustedProxies: LOOPBACK,
    proxyProtocol: true,
    limits: { headersMs: 300 },
  });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const silent = await rawClient(t, rig.port);
  const half = await rawClient(t, rig.port, "PROXY TCP4 1.1");
  const reset = await rawClient(t, rig.port, "PROXY");
  reset.socket.resetAndDestroy();
  await eventually(() => rig.router.stats().connections === 2);
  t.is(await silent.end(), "");
  t.is(await half.end(), "");
  t.is(rig.router.stats().connections, 0);
  t.regex(await (await rawClient(t, rig.port, `PROXY UNKNOWN\r\n${GET}`)).end(), / 200 /);
});

test("The header comes before TLS as well, and what it told holds inside", async (t) => {
  const rig = await startTlsRouter(t, { trustedProxies: LOOPBACK, proxyProtocol: true });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const under = connect(rig.tlsPort, "127.0.0.1");
  await once(under, "connect");
  under.write("PROXY TCP4 203.0.113.7 10.0.0.1 12345 443\r\n");
  const client = await tlsClient(t, rig, { socket: under, text: GET });
  t.regex(await client.end(), /^HTTP\/1\.1 200 /);
  t.regex(app.received[0] ?? "", /\r\nx-forwarded-for: 203\.0\.113\.7\r\n/);
  t.regex(app.received[0] ?? "", /\r\nx-forwarded-proto: https\r\n/);
});
