import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import {
  ask,
  eventually,
  HEAD,
  listen,
  OK,
  rawClient,
  startRawApp,
  startRouter,
  startHttpApp,
} from "../../support/router-rig.ts";

const BIG = Buffer.alloc(12_000_000, "0123456789abcdefg");
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Reads in fits and starts; the head is kept, the rest counted and hashed. */
function readSlowly(socket: Socket) {
  const state = { head: "", bytes: -1, hash: createHash("sha256") };
  socket.removeAllListeners("data");
  socket.on("data", (chunk: Buffer) => {
    let body = chunk;
    if (state.bytes === -1) {
      const end = chunk.indexOf("\r\n\r\n");
      state.head = chunk.toString("latin1", 0, end);
      body = chunk.subarray(end + 4);
      state.bytes = 0;
    }
    state.hash.update(body);
    state.bytes += body.length;
    if (state.bytes % 7 > 4) return;
    socket.pause();
    setTimeout(() => socket.resume(), 2);
  });
  return state;
}

for (const last of [false, true]) {
  const name = last ? "also when it is the last" : "and then the next";
  test(`A slow reader gets all of a large answer, ${name}`, async (t) => {
    const rig = await startRouter(t);
    const app = createServer((_req, res) => res.end(BIG));
    rig.route([await listen(app)]);
    t.teardown(() => app.close());
    const client = await rawClient(t, rig.port);
    const read = readSlowly(client.socket);
    const get = `GET / HTTP/1.1\r\n${HEAD}${last ? "Connection: close\r\n" : ""}\r\n`;
    client.write(get);
    await eventually(
      () => read.bytes === BIG.length,
      () => `${read.bytes} bytes`,
    );
    t.is(read.hash.copy().digest("hex"), digest(BIG));
    t.regex(read.head, last ? /connection: close/i : /connection: keep-alive/i);
    if (last) await client.end();
    else client.write(get);
    await eventually(() => last || read.bytes > 2 * BIG.length);
  });
}

test("A large upload reaches an app that reads slowly, whole, and is held back meanwhile", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    const hash = createHash("sha256");
    req.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      req.pause();
      setTimeout(() => req.resume(), 1);
    });
    req.on("end", () => res.end(hash.digest("hex")));
  });
  rig.route([port]);
  const length = `Content-Length: ${BIG.length}\r\n`;
  const client = await rawClient(t, rig.port, `PUT / HTTP/1.1\r\n${HEAD}${length}\r\n`);
  client.socket.write(BIG);
  await client.until(new RegExp(digest(BIG)));
  t.is(rig.router.counters("shop").lost, 0);
});

test("Pipelined requests are answered in their order, one at a time", async (t) => {
  const rig = await startRouter(t);
  let open = 0;
  let most = 0;
  const port = await startHttpApp(t, (req, res) => {
    most = Math.max(most, ++open);
    req.resume();
    setTimeout(() => {
      open--;
      res.end(`<${req.method} ${req.url}>`);
    }, 2);
  });
  rig.route([port]);
  const one = (i: number) =>
    i % 3
      ? `GET /${i} HTTP/1.1\r\n${HEAD}\r\n`
      : `POST /${i} HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n\r\n`;
  const numbers = Array.from({ length: 40 }, (_, i) => i);
  const client = await rawClient(t, rig.port, numbers.map(one).join(""));
  const text = await client.until(/GET \/38>[^]*POST \/39>/);
  t.deepEqual(
    [...text.matchAll(/<\w+ \/(\d+)>/g)].map((match) => Number(match[1])),
    numbers,
  );
  t.is(most, 1);
});

test("Thousands of pipelined requests that the router answers itself are no harm", async (t) => {
  const rig = await startRouter(t);
  const many = 3000;
  const client = await rawClient(t, rig.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(many));
  await eventually(() => client.text().split(" 404 ").length === many + 1);
  t.pass();
});

test("Informational answers reach a client of HTTP/1.1, and no older one", async (t) => {
  const rig = await startRouter(t);
  const hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n";
  const app = await startRawApp(t, (socket) =>
    socket.end(`HTTP/1.1 100 Continue\r\n\r\n${hint}${OK}`),
  );
  rig.route([app.port]);
  t.regex(
    await ask(t, rig.port),
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*ok$/,
  );
  const old = await rawClient(t, rig.port, `GET / HTTP/1.0\r\n${HEAD}\r\n`);
  t.regex(await old.end(), /^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
});

test("Informational answers without end are 502", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(5000)),
  );
  rig.route([app.port]);
  t.regex(await ask(t, rig.port), /HTTP\/1\.1 502 /);
});

test("A body longer than its length gets the client its length, and nobody the rest", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.write(`${OK}HTTP/1.1 200 OK\r\n\r\npoison`));
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await client.until(/ok$/);
  client.write(`GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
  t.notRegex(await client.end(), /poison/);
  t.is(app.received.length, 2);
});

test("A body that ends with the app's connection is chunked for the client, and may be empty", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket, head) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    if (!head.startsWith("GET /empty")) socket.write("some");
    setTimeout(() => socket.end(), 10);
  });
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await client.until(/chunked[^]*\r\n\r\n4\r\nsome\r\n0\r\n\r\n$/);
  client.write(`GET /empty HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
  t.regex(await client.end(), /\r\n0\r\n\r\n[^]*\r\n\r\n0\r\n\r\n$/);
});

test("A HEAD that the router answers itself has no body", async (t) => {
  const rig = await startRouter(t);
  const client = await rawClient(t, rig.port, "HEAD / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  const text = await client.until(/\r\n\r\n/);
  await sleep(30);
  t.is(client.text(), text);
  t.true(text.endsWith("\r\n\r\n"));
});

test("A kept HTTP/1.0 connection is kept, and an answer without Date gets one", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => {
    socket.write(OK);
    socket.on("data", () => socket.write(OK));
  });
  rig.route([app.port]);
  const get = `GET / HTTP/1.0\r\n${HEAD}Connection: keep-alive\r\n\r\n`;
  const client = await rawClient(t, rig.port, get);
  t.regex(
    await client.until(/ok$/),
    /Date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\nConnection: keep-alive/,
  );
  client.write(get);
  await eventually(() => client.text().split("200 OK").length === 3);
});

for (const [framing, sent] of [
  ["Content-Length: 9", "half"],
  ["Transfer-Encoding: chunked", "4\r\nhalf\r\n"],
] as const) {
  for (const how of ["closes", "resets"]) {
    test(`An upload with ${framing} whose client ${how} is never whole to the app`, async (t) => {
      const rig = await startRouter(t);
      let gone = false;
      const app = await startRawApp(t, (socket) => void socket.on("close", () => (gone = true)));
      rig.route([app.port]);
      const client = await rawClient(
        t,
        rig.port,
        `PUT / HTTP/1.1\r\n${HEAD}${framing}\r\n\r\n${sent}`,
      );
      await eventually(() => app.received[0]?.endsWith(sent) === true);
      if (how === "closes") client.socket.end();
      else client.socket.resetAndDestroy();
      await eventually(() => gone);
      t.true(app.received[0]?.endsWith(`\r\n\r\n${sent}`));
    });
  }
}
