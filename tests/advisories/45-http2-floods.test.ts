import { createServer } from "node:http";
import test, { type ExecutionContext } from "ava";
import { ask2, http2Client } from "../support/http2-client.ts";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from "../support/http2-frames.ts";
import { eventually, listen } from "../support/router-rig.ts";
import { startTlsRouter, tlsClient, type TlsClient, type TlsRig } from "../support/tls-rig.ts";

/** The error codes of the GOAWAY frames in what a connection has received. */
function goAways(client: TlsClient): number[] {
  const bytes = Buffer.from(client.text(), "latin1");
  const found: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === GOAWAY && at + 17 <= bytes.length)
      found.push(bytes.readUInt32BE(at + 13));
  }
  return found;
}

interface World {
  rig: TlsRig;
  /** Requests that reached the app. */
  reached(): number;
  attack(): Promise<TlsClient>;
  /** Another client is still served, on a connection of its own. */
  serves(): Promise<void>;
}

async function startWorld(t: ExecutionContext, keepAliveMs = 75_000): Promise<World> {
  const rig = await startTlsRouter(t, { limits: { keepAliveMs } });
  let reached = 0;
  const app = createServer((_req, res) => {
    reached++;
    setTimeout(() => res.end("fine"), 20);
  });
  rig.route([await listen(app)]);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  const other = await http2Client(t, rig);
  return {
    rig,
    reached: () => reached,
    async attack() {
      const client = await tlsClient(t, rig, { ALPNProtocols: ["h2"] });
      client.socket.write(PREFACE);
      return client;
    },
    async serves() {
      if (!other.closed) t.is((await ask2(other)).body, "fine");
      t.is((await ask2(await http2Client(t, rig))).body, "fine");
    },
  };
}

test("Streams that are reset as soon as they are opened end their connection, and its requests", async (t) => {
  const world = await startWorld(t);
  const client = await world.attack();
  for (let i = 0; i < 20_000 && !client.closed(); i += 100) {
    const frames: Buffer[] = [];
    for (let n = i; n < i + 100; n++) {
      const id = 2 * n + 1;
      frames.push(frame(HEADERS, END_STREAM | END_HEADERS, id, GET));
      frames.push(frame(RST_STREAM, 0, id, uint32(8)));
    }
    client.socket.write(Buffer.concat(frames));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.end();
  t.true(world.reached() < 1000, `${world.reached()} reached the app`);
  await eventually(() => world.rig.router.stats().apps["shop"]?.targets[0]?.open === 0);
  await world.serves();
});

test("A head that goes on in CONTINUATION frames without end ends its connection", async (t) => {
  const world = await startWorld(t);
  const client = await world.attack();
  client.socket.write(frame(HEADERS, END_STREAM, 1, GET));
  const more = frame(CONTINUATION, 0, 1, Buffer.from([0x00, 1, 0x78, 1, 0x79]));
  for (let i = 0; i < 10_000 && !client.closed(); i += 100) {
    client.socket.write(Buffer.concat(Array.from({ length: 100 }, () => more)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.end();
  t.is(world.reached(), 0);
  await world.serves();
});

const EMPTY = Buffer.alloc(0);
const FLOODS: [string, Buffer][] = [
  ["SETTINGS", frame(SETTINGS, 0, 0, EMPTY)],
  ["PING", frame(PING, 0, 0, Buffer.alloc(8))],
];
for (const [name, flood] of FLOODS) {
  test(`${name} frames without end, whose answers nobody reads, end their connection`, async (t) => {
    const world = await startWorld(t, 2000);
    const client = await world.attack();
    client.socket.pause();
    const many = Buffer.concat(Array.from({ length: 1000 }, () => flood));
    const before = process.memoryUsage().rss;
    let taken = true;
    for (let i = 0; i < 500 && taken && !client.closed(); i++) {
      if (client.socket.write(many)) continue;
      taken = await Promise.race([
        new Promise<true>((resolve) => client.socket.once("drain", () => resolve(true))),
        new Promise<false>((resolve) => setTimeout(resolve, 500, false)),
      ]);
    }
    t.true(process.memoryUsage().rss - before < 200_000_000);
    await world.serves();
    // The attacker's connection is gone, though it ended nothing itself; two well-behaved ones were kept.
    await eventually(() => world.rig.router.stats().connections <= 2);
  });
}

test("Frames that make no sense end their connection alone, however many come", async (t) => {
  const world = await startWorld(t);
  const broken: [string, Buffer[]][] = [
    ["DATA on a stream that is not there", [frame(DATA, 0, 5, Buffer.from("x"))]],
    ["a window of 0", [frame(WINDOW_UPDATE, 0, 0, uint32(0))]],
    ["a window beyond all bounds", [frame(WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))]],
    ["a head that is no HPACK", [frame(HEADERS, END_HEADERS, 1, Buffer.alloc(40, 255))]],
    ["an even stream", [frame(HEADERS, END_HEADERS, 2, GET)]],
    ["random bytes", [Buffer.alloc(3000, 171)]],
    ["a length beyond all bounds", [Buffer.alloc(9, 255)]],
    ["SETTINGS of 5 bytes", [frame(SETTINGS, 0, 0, Buffer.alloc(5))]],
  ];
  for (const [name, frames] of broken) {
    const client = await world.attack();
    client.socket.write(Buffer.concat(frames));
    await client.end();
    t.true(goAways(client).some((code) => code !== 0) || client.closed(), name);
  }
  t.is(world.reached(), 0);
  await world.serves();
});

test("No more than 100 requests of one connection are worked on at a time", async (t) => {
  const world = await startWorld(t);
  const client = await world.attack();
  const frames: Buffer[] = [];
  for (let n = 0; n < 140; n++)
    frames.push(frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, GET));
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, world.rig.router.stats().apps["shop"]?.targets[0]?.open ?? 0);
  }, 1);
  client.socket.write(Buffer.concat(frames));
  await eventually(() => world.reached() >= 99);
  await eventually(() => world.rig.router.stats().apps["shop"]?.targets[0]?.open === 0);
  clearInterval(watch);
  t.true(most <= 100 && most > 50, `${most}`);
  await world.serves();
});
