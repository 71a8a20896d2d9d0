import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import {
  ask,
  eventually,
  HEAD,
  listen,
  rawClient,
  startRouter,
  type RouterRig,
} from "../support/router-rig.ts";

const SLOW = 1000;
/** More than the kernel takes for a client that reads nothing. */
const LARGE = Buffer.alloc(8_000_000, "x");

async function startShop(t: ExecutionContext, rig: RouterRig): Promise<void> {
  const app = createServer((req, res) => {
    req.on("error", () => undefined);
    req.resume();
    req.on("end", () => res.end(req.url === "/large" ? LARGE : "fine"));
  });
  rig.route([await listen(app)]);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
}

/** Clients that send `text` and then, now and then, `drop`; they read nothing. */
async function startSlow(
  t: ExecutionContext,
  rig: RouterRig,
  { count = SLOW, text, drop = "" }: { count?: number; text: string; drop?: string },
) {
  const sockets: Socket[] = [];
  let closed = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect(rig.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.on("close", () => closed++);
    socket.write(text);
    sockets.push(socket);
  }
  const dripping = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(drop);
  }, 300);
  t.teardown(() => {
    clearInterval(dripping);
    for (const socket of sockets) socket.destroy();
  });
  return { sockets, closed: () => closed };
}

const LARGE_GET = `GET /large HTTP/1.1\r\n${HEAD}\r\n`;
const MODES = [
  ["1,000 heads that never end", { text: `GET / HTTP/1.1\r\n${HEAD}`, drop: "X: y\r\n" }],
  [
    "1,000 bodies that never end",
    { text: `POST / HTTP/1.1\r\n${HEAD}Content-Length: 9999\r\n\r\n`, drop: "x" },
  ],
  // Fewer, as each costs the machine some megabytes of kernel memory.
  ["100 answers that nobody reads", { text: LARGE_GET, count: 100 }],
] as const;

for (const [name, slow] of MODES) {
  test.serial(`Beside ${name} all others are answered`, async (t) => {
    const rig = await startRouter(t);
    await startShop(t, rig);
    const { sockets } = await startSlow(t, rig, slow);
    await eventually(() => rig.router.stats().connections === sockets.length);
    const kept = await rawClient(t, rig.port);
    for (let i = 0; i < 20; i++) {
      t.regex(await ask(t, rig.port), /200 OK[^]*fine$/);
      kept.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
      await eventually(() => kept.text().split("fine").length === i + 2);
    }
    t.is(rig.router.counters("shop").lost, 0);
    t.is(rig.router.counters("shop").refused, 0);
  });
}

test.serial("A head must be there in time, however busily its client drips it", async (t) => {
  const rig = await startRouter(t, { limits: { headersMs: 700 } });
  await startShop(t, rig);
  const slow = await startSlow(t, rig, { text: `GET / HTTP/1.1\r\n${HEAD}`, drop: "X: y\r\n" });
  for (const socket of slow.sockets) socket.resume();
  await eventually(() => slow.closed() === SLOW);
  const one = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}`);
  t.regex(await one.end(), /^HTTP\/1\.1 408 /);
  t.regex(await ask(t, rig.port), /fine$/);
});

test.serial("A body that stands still, in either direction, is given up in time", async (t) => {
  const rig = await startRouter(t, { limits: { stallMs: 400 } });
  await startShop(t, rig);
  const body = `POST / HTTP/1.1\r\n${HEAD}Content-Length: 9999\r\n\r\nx`;
  t.regex(await (await rawClient(t, rig.port, body)).end(), /^HTTP\/1\.1 408 /);
  await startSlow(t, rig, { text: LARGE_GET, count: 20 });
  const served = () => rig.router.counters("shop").served[1] ?? 0;
  await eventually(() => served() === 20);
  await eventually(() => rig.router.stats().connections === 0);
  t.is(rig.router.stats().apps["shop"]?.targets[0]?.open, 0);
  t.is(rig.router.counters("shop").lost, 0);
});

test.serial("Connections that say nothing are closed in time", async (t) => {
  const rig = await startRouter(t, { limits: { keepAliveMs: 300 } });
  await startShop(t, rig);
  const silent = await rawClient(t, rig.port);
  t.is(await silent.end(), "");
  const once = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  t.regex(await once.end(), /fine$/);
});
