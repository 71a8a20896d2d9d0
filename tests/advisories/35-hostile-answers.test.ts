import test from "ava";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer as createRawServer } from "node:net";
import {
  eventually,
  HEAD,
  listen,
  rawClient,
  startRawApp,
  startRouter,
} from "../support/router-rig.ts";
import { createServer } from "node:http";

const LENGTH = "Content-Length: 2\r\n\r\nok";
const ANSWERS: [name: string, bytes: string][] = [
  ["status 042", `HTTP/1.1 042 Hm\r\n${LENGTH}`],
  ["status 000", `HTTP/1.1 000 Hm\r\n${LENGTH}`],
  ["status 600", `HTTP/1.1 600 Hm\r\n${LENGTH}`],
  ["status 999", `HTTP/1.1 999 Hm\r\n${LENGTH}`],
  ["status 1000", `HTTP/1.1 1000 Hm\r\n${LENGTH}`],
  ["a control character in the reason", `HTTP/1.1 200 O\x01K\r\n${LENGTH}`],
  ["a NUL in the reason", `HTTP/1.1 200 O\x00K\r\n${LENGTH}`],
  ["DEL in the reason", `HTTP/1.1 200 O\x7fK\r\n${LENGTH}`],
  ["a control character in a field", `HTTP/1.1 200 OK\r\nX-A: a\x01b\r\n${LENGTH}`],
  ["a space in a field's name", `HTTP/1.1 200 OK\r\nX A: b\r\n${LENGTH}`],
  [
    "101 to a plain GET",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ],
  ["101 without an Upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
  ["length beside chunked", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${LENGTH}`],
  ["two lengths", `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n${LENGTH}`],
  ["a head of 100 KB", `HTTP/1.1 200 OK\r\nX-A: ${"x".repeat(100_000)}\r\n${LENGTH}`],
  ["no HTTP", "220 mail.test ESMTP\r\n\r\n"],
  ["nothing", ""],
];

for (const [name, bytes] of ANSWERS) {
  test(`An app that answers with ${name}: 502, and the router lives`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(
      t,
      (socket) => void (bytes ? socket.write(bytes, "latin1") : socket.end()),
    );
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
    t.regex(await client.end(), /^HTTP\/1\.1 502 /);
    t.is(rig.router.counters("shop").lost, 1);
    const good = createServer((_req, res) => res.end("fine"));
    rig.route([await listen(good)]);
    t.teardown(() => good.close());
    const next = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
    t.regex(await next.end(), /fine$/);
  });
}

test("A broken chunk in the middle of an answer cuts it, and it is not taken for whole", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"),
  );
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  const text = await client.end();
  t.notRegex(text, /\r\n0\r\n/);
  t.is(rig.router.counters("shop").lost, 1);
});

test("An app's hop-by-hop fields stay with its own connection", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write(
      "HTTP/1.1 200 OK\r\nConnection: close, X-Hop, content-length\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\n" +
        "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X-T\r\nServer: theirs\r\nContent-Length: 2\r\n\r\nok",
    ),
  );
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  const text = await client.until(/ok$/);
  t.notRegex(text, /x-hop|timeout=1\b|proxy-auth|upgrade|trailer/i);
  t.regex(text, /Server: theirs\r\nContent-Length: 2\r\n/);
  t.regex(text, /Connection: keep-alive/);
});

test("Informational answers before the real one are no harm", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write(
      `${"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50)}HTTP/1.1 200 OK\r\n${LENGTH}`,
    ),
  );
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  t.regex(await client.until(/ok$/), /200 OK/);
});

test("Two answers to one request: the second reaches nobody's next request", async (t) => {
  const rig = await startRouter(t);
  let n = 0;
  const app = createServer((_req, res) => {
    const { socket } = res;
    res.end(n++ === 0 ? "first" : "own");
    if (n === 1) socket?.write(`HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`);
  });
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await client.until(/first/);
  client.write(`GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
  t.notRegex(await client.end(), /poison/);
});

test("An answer that comes before its request, or behind the last one, is nobody's next answer", async (t) => {
  const rig = await startRouter(t);
  const early = createRawServer((socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly");
    socket.on("data", (chunk) => {
      const path = chunk.toString("latin1").split(" ")[1] ?? "";
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`;
      socket.write(answer);
      // Behind it, while the connection is kept.
      setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), 20);
    });
  });
  rig.route([await listen(early)]);
  t.teardown(() => early.close());
  const client = await rawClient(t, rig.port);
  for (const path of ["/a", "/b", "/c"]) {
    const before = client.text().length;
    client.write(`GET ${path} HTTP/1.1\r\n${HEAD}\r\n`);
    await eventually(
      () => /(?:early|\/[abc]|again\.)\n?$/.test(client.text().slice(before)) || client.closed(),
    );
    const answer = client.text().slice(before);
    // On a connection of its own, what the app said first is the answer to it; nothing of another's is.
    t.regex(answer, /^HTTP\/1\.1 (?:200|502) /);
    t.is(answer.split("HTTP/1.1 ").length, 2, "one answer");
    t.notRegex(answer, /poison/);
    t.false(["/a", "/b", "/c"].some((each) => each !== path && answer.endsWith(each)));
    if (client.closed()) break;
    await sleep(60);
  }
  t.is(rig.router.stats().apps["shop"]?.targets[0]?.open, 0);
});
