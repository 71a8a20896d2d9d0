import test from "ava";
import { HEAD, OK_CLOSE, rawClient, startRawApp, startRouter } from "../support/router-rig.ts";

const GET = "GET / HTTP/1.1\r\n";
const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n";
const LONG = "x".repeat(33_000);

const REFUSED: [name: string, bytes: string, status?: number][] = [
  [
    "Content-Length beside Transfer-Encoding",
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ],
  [
    "two lengths",
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  ],
  [
    "two equal lengths",
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
  ],
  ["a signed length", `POST / HTTP/1.1\r\n${HEAD}Content-Length: +2\r\n\r\nhi`],
  ["a list of lengths", `POST / HTTP/1.1\r\n${HEAD}Content-Length: 2, 2\r\n\r\nhi`],
  [
    "a coding beside chunked",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["identity", `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: identity\r\n\r\n`],
  [
    "chunked twice",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    "a vertical tab before chunked",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    "Transfer-Encoding in HTTP/1.0",
    `POST / HTTP/1.0\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    "a space before the colon",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["a folded field", `${GET}${HEAD}X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n`],
  ["a bare line feed", `GET / HTTP/1.1\nHost: shop.test\nContent-Length: 2\n\nhi`],
  ["a bare carriage return", `${GET}${HEAD}X-A: 1\rX-B: 2\r\n\r\n`],
  [
    "a chunk size with junk",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n`,
  ],
  ["no Host", `${GET}\r\n`],
  ["no Host in HTTP/1.0", `GET / HTTP/1.0\r\n\r\n`],
  ["an empty Host", `${GET}Host: \r\n\r\n`],
  ["an unknown version", `GET / HTTP/1.2\r\n${HEAD}\r\n`],
  ["HTTP/2 in the clear", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`],
  ["a control character in a field", `${GET}${HEAD}X-A: a\x01b\r\n\r\n`],
  ["NUL in a field", `${GET}${HEAD}X-A: a\x00b\r\n\r\n`],
  [
    "an Expect with more in it",
    `PUT / HTTP/1.1\r\n${HEAD}Expect: y 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
    417,
  ],
  ["an unknown Expect", `PUT / HTTP/1.1\r\n${HEAD}Expect: tea\r\nContent-Length: 2\r\n\r\nhi`, 417],
  ["a field of 33 KB", `${GET}${HEAD}X-Long: ${LONG}\r\n\r\n`, 431],
  ["600 fields", `${GET}${HEAD}${"X-A: b\r\n".repeat(600)}\r\n`, 431],
  [
    "1,500 fields with the framing last",
    `POST / HTTP/1.1\r\n${HEAD}${"a:b\r\n".repeat(1500)}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    431,
  ],
];

for (const [name, bytes, status = 400] of REFUSED) {
  test(`Refused, and the connection closed: ${name}`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, bytes);
    const text = await client.end();
    const final = text.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    t.true(final.startsWith(`HTTP/1.1 ${status} `), text);
    t.false(app.received.join("").includes("smuggled"));
    t.is((final.match(/HTTP\/1\.1 \d/g) ?? []).length, 1, text);
    t.true(app.received.length <= (name.includes("chunk size") ? 1 : 0));
  });
}

test("Fields that a Connection field names go, but the framing and the host stay", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const client = await rawClient(
    t,
    rig.port,
    `POST / HTTP/1.1\r\n${HEAD}Connection: close, content-length, host, x-gone\r\nX-Gone: 1\r\nX-Stays: 1\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  );
  t.regex(await client.end(), /200 OK/);
  const [seen = ""] = app.received;
  t.regex(seen, new RegExp(`content-length: ${SMUGGLED.length}\r\n`));
  t.regex(seen, /host: shop\.test\r\n/);
  t.regex(seen, /x-stays: 1/);
  t.notRegex(seen, /x-gone/);
});
