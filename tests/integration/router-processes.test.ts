import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { keys } from "../../apps/keys.ts";
import type { RouteAck } from "../../router/contract.ts";
import { findViolations, type Observed, type Phase } from "../support/linearizable.ts";
import { routerWorld, stop, type Routers } from "../support/router-process.ts";
import { ask, eventually, HEAD, listen, rawClient, routeTo } from "../support/router-rig.ts";

async function startApp(t: ExecutionContext, says: string): Promise<number> {
  const app = createServer((_req, res) => res.end(says));
  const port = await listen(app);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  return port;
}

/** Phase one on every router, phase two in the store, as a worker does it; `between` in between. */
async function swapTo(
  world: Routers,
  version: number,
  port: number,
  routers: number,
  between?: () => Promise<void>,
): Promise<void> {
  const swap = `swap-${version}`;
  const count = (matches: (ack: RouteAck) => boolean) =>
    new Set(world.acks.filter(matches).map((ack) => ack.router)).size;
  await world.redis.set(keys.prepared("shop"), swap, "PX", 3000);
  await world.publish({ type: "prepare", app: "shop", swap, holdMs: 4000 });
  await eventually(
    () => count((ack) => ack.type === "held" && ack.swap === swap) === routers,
    () => `held by ${routers} routers`,
  );
  await between?.();
  await world.commit(routeTo([port], { version, release: version }), swap);
  await eventually(
    () => count((ack) => ack.type === "flipped" && ack.version === version) === routers,
    () => `flipped by ${routers} routers`,
  );
}

async function subscribers(world: Routers): Promise<string[]> {
  const list = String(await world.redis.client("LIST", "TYPE", "PUBSUB"));
  return [...list.matchAll(/^id=(\d+) /gm)].map((match) => match[1] as string);
}

test.serial(
  "Two routers swap as one under load: nothing is lost, and nobody goes back in time",
  async (t) => {
    const world = await routerWorld(t);
    await world.startRedis();
    const ports = [await startApp(t, "v1"), await startApp(t, "v2")];
    await world.commit(routeTo([ports[0] as number], { version: 1 }));
    const routers = [await world.start(1)];
    const others = await subscribers(world);
    routers.push(await world.start(2));
    t.is((await world.reports()).length, 2);
    // Makes the second router deaf, so that it misses the commit and hears of it later than the first.
    const deafen = async (): Promise<void> => {
      const own = (await subscribers(world)).filter((id) => !others.includes(id));
      for (const id of own) await world.redis.client("KILL", "ID", id);
    };

    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const seen: Observed[] = [];
    const wrong: string[] = [];
    const phases: Phase[] = [{ version: "v1", notBefore: 0 }];
    let left = 3000;
    const one = async (): Promise<void> => {
      const start = performance.now();
      const req = get({
        port: world.port,
        host: "127.0.0.1",
        headers: { host: "shop.test" },
        agent,
      });
      const [res] = (await once(req, "response")) as [IncomingMessage];
      let version = "";
      for await (const chunk of res) version += String(chunk);
      if (res.statusCode !== 200) wrong.push(`${res.statusCode} ${version}`);
      seen.push({ start, end: performance.now(), version });
    };
    const client = async (): Promise<void> => {
      while (left-- > 0) await one();
    };
    const load = Promise.all(Array.from({ length: 16 }, client));
    for (let swap = 0; swap < 8; swap++) {
      await eventually(() => seen.length > (swap + 1) * 300);
      const next = (swap + 1) % 2;
      phases.push({ version: `v${next + 1}`, notBefore: performance.now() });
      await swapTo(world, swap + 2, ports[next] as number, 2, swap % 2 ? deafen : undefined);
    }
    await load;
    agent.destroy();

    t.deepEqual(wrong, []);
    t.is(seen.length, 3000);
    t.deepEqual(findViolations(seen, phases), []);
    await world.publish({ type: "count", app: "shop", id: "end" });
    const counts = () =>
      world.acks.flatMap((ack) => (ack.type === "count" && ack.id === "end" ? [ack] : []));
    await eventually(() => counts().length === 2);
    let served = 0;
    for (const { counters } of counts()) {
      const own = Object.values(counters.served).reduce((a, b) => a + b, 0);
      t.true(own > 0, "both routers took part");
      served += own;
      t.is(counters.lost + counters.refused, 0);
    }
    t.is(served, 3000);
    t.notRegex(routers.map((router) => router.log()).join(), /uncaught/);
  },
);

test.serial(
  "A router that is killed costs only its own connections; its lease runs out",
  async (t) => {
    const world = await routerWorld(t);
    await world.startRedis();
    const port = await startApp(t, "v1");
    await world.commit(routeTo([port]));
    const [one, two] = [await world.start(1), await world.start(2)];
    await stop(one.child, "SIGKILL");
    for (let i = 0; i < 20; i++) t.regex(await ask(t, world.port), /v1$/);
    await eventuallyAsync(async () => (await world.reports()).length === 1);
    t.is((await world.reports())[0]?.pid, two.child.pid);
    await swapTo(world, 2, await startApp(t, "v2"), 1);
    const again = await world.start(1);
    t.deepEqual(
      (await world.reports()).map((report) => report.acks),
      [{ shop: 2 }, { shop: 2 }],
    );
    await stop(two.child, "SIGKILL");
    t.regex(await ask(t, world.port), /v2$/);
    t.is(again.child.exitCode, null);
  },
);

test.serial(
  "Without the store routers serve on, also after a restart, and catch up when it is back",
  async (t) => {
    const world = await routerWorld(t);
    await world.startRedis();
    const [blue, green] = [await startApp(t, "v1"), await startApp(t, "v2")];
    await world.commit(routeTo([blue]));
    await world.commit(routeTo([blue], { app: "doomed", hosts: ["doomed.test"] }));
    const first = await world.start(1);
    await eventuallyAsync(async () =>
      (await readFile(join(world.home, "tables", "router-1.json"), "utf8")).includes("doomed"),
    );
    await world.stopRedis("SIGKILL");
    for (let i = 0; i < 10; i++) t.regex(await ask(t, world.port), /v1$/);
    await stop(first.child, "SIGKILL");

    const second = await world.start(2);
    for (let i = 0; i < 10; i++) t.regex(await ask(t, world.port), /v1$/);
    t.is(second.child.exitCode, null);

    // Changes that nobody tells: what the store held when it came back counts.
    await world.startRedis();
    await world.redis
      .multi()
      .hset(keys.routes, "shop", JSON.stringify(routeTo([green], { version: 2, release: 2 })))
      .hdel(keys.routes, "doomed")
      .incr(keys.routesSeq)
      .exec();
    await eventuallyAsync(async () => (await ask(t, world.port)).endsWith("v2"));
    const gone = await rawClient(
      t,
      world.port,
      "GET / HTTP/1.1\r\nHost: doomed.test\r\nConnection: close\r\n\r\n",
    );
    t.regex(await gone.end(), /^HTTP\/1\.1 404 /);
    await eventuallyAsync(async () => (await world.reports())[0]?.acks["shop"] === 2);
    t.notRegex(second.log(), /uncaught/);
  },
);

test.serial("A store that lost its memory takes no app off the air", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  const [blue, green] = [await startApp(t, "v1"), await startApp(t, "v2")];
  await world.commit(routeTo([blue], { version: 7 }));
  await world.commit(routeTo([blue], { app: "other", hosts: ["other.test"], version: 7 }));
  const router = await world.start(1);
  await world.redis.flushall();
  await eventuallyAsync(async () => router.log().includes("the store has lost routes"));
  t.regex(await ask(t, world.port), /v1$/);
  // An app that is routed anew counts from 1 again, and is believed.
  await world.commit(routeTo([green], { version: 1 }));
  await eventuallyAsync(async () => (await ask(t, world.port)).endsWith("v2"));
  const other = await rawClient(
    t,
    world.port,
    "GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n",
  );
  t.regex(await other.end(), /v1$/);
});

test.serial("A router that comes in the middle of a swap holds like the others", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  const [blue, green] = [await startApp(t, "v1"), await startApp(t, "v2")];
  await world.commit(routeTo([blue]));
  await world.redis.set(keys.prepared("shop"), "s1", "PX", 8000);
  await world.start(1);
  const client = await rawClient(t, world.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => world.acks.some((ack) => ack.type === "held" && ack.swap === "s1"));
  t.is(client.text(), "");
  await world.commit(routeTo([green], { version: 2 }), "s1");
  await client.until(/v2$/);
});

test.serial("SIGTERM: requests end, the lease is given back, the exit is clean", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  let finish = (): void => undefined;
  const app = createServer((_req, res) => {
    finish = () => void res.end("late");
  });
  t.teardown(() => app.close());
  await world.commit(routeTo([await listen(app)]));
  const router = await world.start(1);
  const slow = await rawClient(t, world.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventuallyAsync(
    async () => (await new Promise<number>((done) => app.getConnections((_e, n) => done(n)))) === 1,
  );
  const exited = once(router.child, "exit");
  router.child.kill("SIGTERM");
  await eventually(() => router.log().includes("closing"));
  finish();
  t.regex(await slow.end(), /late$/);
  t.deepEqual(await exited, [0, null]);
  t.deepEqual(await world.reports(), []);
  t.is(await world.redis.zcard(keys.routers), 0);
});

test.serial(
  "A router reads what runs beside the live colour, and hears when that changes",
  async (t) => {
    const world = await routerWorld(t);
    await world.startRedis();
    const target = async (says: string) => ({
      targets: [{ id: says, host: "127.0.0.1", port: await startApp(t, says) }],
    });
    const standby = { colour: "blue", release: 1, ...(await target("standby")) } as const;
    const held = { colour: "blue", release: 3, ...(await target("held")) } as const;
    await world.commit(routeTo([await startApp(t, "live")]));
    await world.redis
      .multi()
      .hset(keys.idles, "shop", JSON.stringify({ app: "shop", version: 1, standby }))
      .set(keys.idlesSeq, 1)
      .incr(keys.routesSeq)
      .exec();
    const router = await world.start(1);
    const idle = async () => {
      const head = "GET / HTTP/1.1\r\nHost: idle--shop.localhost\r\nConnection: close\r\n\r\n";
      return (await (await rawClient(t, world.port, head)).end()).split("\r\n\r\n")[1];
    };
    t.is(await idle(), "standby");
    await world.publish({ type: "idle", idle: { app: "shop", version: 2, held, standby } });
    await eventuallyAsync(async () => (await idle()) === "held");
    // An event that this router misses: the next heartbeat sees that the store has moved on.
    await world.redis
      .multi()
      .hdel(keys.idles, "shop")
      .set(keys.idlesSeq, 3)
      .incr(keys.routesSeq)
      .exec();
    await eventuallyAsync(
      async () => (await idle()) === "Nothing runs in the idle colour of shop.\n",
    );
    t.notRegex(router.log(), /uncaught/);
  },
);

test.serial("Events and routes that make no sense change nothing", async (t) => {
  const world = await routerWorld(t);
  await world.startRedis();
  const port = await startApp(t, "v1");
  await world.commit(routeTo([port]));
  const router = await world.start(1);
  for (const junk of [
    "",
    "{",
    "null",
    "7",
    '{"type":"route"}',
    '{"type":"route","route":{"app":"shop"}}',
    '{"type":"tea"}',
    '{"type":"prepare"}',
    '{"type":"idle"}',
    '{"type":"idle","idle":{"app":"shop","version":1,"held":{"targets":[{}]}}}',
  ]) {
    await world.redis.publish("teal:route-events", junk);
  }
  await world.redis.multi().hset(keys.routes, "broken", "{").incr(keys.routesSeq).exec();
  await eventually(() => router.log().includes("a route that cannot be read"));
  t.regex(await ask(t, world.port), /v1$/);
  t.deepEqual((await world.reports())[0]?.acks, { shop: 1 });
  t.notRegex(router.log(), /uncaught/);
});

async function eventuallyAsync(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`waited in vain for ${String(holds)}`);
}
