import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import { routerFactsOf } from "../../../apps/router-sockets.ts";
import { metricsText, serveMetrics } from "../../../router/metrics.ts";
import { ask, deadPort, HEAD, listen, rawClient, startRouter } from "../../support/router-rig.ts";

test("What was answered is counted by app, colour and class, with how long it took", async (t) => {
  const rig = await startRouter(t);
  const app = createServer((req, res) => {
    if (req.url === "/stream")
      res.writeHead(200, { "content-type": "text/event-stream" }).write(":");
    else res.writeHead(req.url === "/" ? 200 : 404).end();
  });
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  const port = await listen(app);
  rig.route([port]);
  for (const path of ["/", "/", "/none"]) await ask(t, rig.port, "", path);
  rig.route([await deadPort()], { release: 2, colour: "green" });
  await ask(t, rig.port);
  rig.route([port], { release: 2, colour: "green" });
  const stream = await rawClient(t, rig.port, `GET /stream HTTP/1.1\r\n${HEAD}\r\n`);
  await stream.until(/:/);
  await stream.until(/\r\n1\r\n:/);

  const says = metricsText(rig.router.stats());
  const texts = [
    { router: "1", text: says },
    { router: "2", text: null },
  ];
  const facts = { answering: 1, silent: 1, open: 1, down: [], ejections: 0, held: 0, refused: 1 };
  t.deepEqual(routerFactsOf("shop", texts), { ...facts, lost: 0 });
  t.deepEqual(routerFactsOf("sho", texts), { ...facts, open: 0, refused: 0, lost: 0 });
  for (const line of [
    'teal_router_answers_total{app="shop",colour="blue",class="2xx"} 2',
    'teal_router_answers_total{app="shop",colour="blue",class="4xx"} 1',
    'teal_router_answers_total{app="shop",colour="green",class="5xx"} 1',
    'teal_router_answers_total{app="shop",colour="green",class="2xx"} 1',
    'teal_router_answer_seconds_bucket{app="shop",colour="blue",le="+Inf"} 3',
    'teal_router_answer_seconds_count{app="shop",colour="blue"} 3',
    `teal_router_open{app="shop",instance="shop-${port}"} 1`,
    'teal_router_streams{app="shop"} 1',
    'teal_router_refused_total{app="shop"} 1',
    'teal_router_lost_total{app="shop"} 0',
    "teal_router_waiting 0",
  ]) {
    t.true(says.split("\n").includes(line), `${line} in ${says}`);
  }
  for (const line of says.trimEnd().split("\n")) {
    t.regex(
      line,
      /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? [\d.e+-]+)$/,
    );
  }
});

test("Of each instance its own answers are counted, and what it left without one", async (t) => {
  const rig = await startRouter(t);
  const good = createServer((_, res) => res.end("good"));
  const bad = createServer((req, res) => {
    if (req.url === "/none") {
      req.socket.destroy();
    } else if (req.url === "/cut") {
      res.writeHead(200, { "content-length": "9" }).write("cut");
      setImmediate(() => req.socket.destroy());
    } else {
      res.writeHead(500).end();
    }
  });
  t.teardown(() => [good, bad].forEach((app) => (app.closeAllConnections(), app.close())));
  const [well, ill, dead] = [await listen(good), await listen(bad), await deadPort()];
  rig.route([ill]);
  await ask(t, rig.port);
  for (const path of ["/cut", "/none"]) {
    await ask(t, rig.port, "", path).catch(() => undefined);
  }
  rig.route([well, ill, dead]);
  for (let i = 0; i < 6; i++) await ask(t, rig.port, "", "/");

  const counted = () => {
    rig.router.apply({ type: "count", app: "shop", id: "q" });
    const ack = rig.acks.at(-1);
    return ack?.type === "count" ? ack.counters.targets : undefined;
  };
  const { [`shop-${well}`]: one, [`shop-${ill}`]: two, [`shop-${dead}`]: three } = counted() ?? {};
  t.true((one?.byClass[2] ?? 0) >= 3);
  t.deepEqual([one?.byClass[5], one?.failed, one?.cut], [0, 0, 0]);
  t.is(two?.byClass[2], 1);
  t.is(two?.byClass[5], 7 - (one?.byClass[2] ?? 0));
  t.deepEqual([two?.failed, two?.cut], [1, 1]);
  t.like(three, { byClass: [0, 0, 0, 0, 0, 0], failed: 1, cut: 0 });
  const lines = metricsText(rig.router.stats()).split("\n");
  for (const [name, value] of [
    [`answers_total{app="shop",instance="shop-${ill}",class="5xx"}`, two?.byClass[5]],
    [`failed_total{app="shop",instance="shop-${dead}"}`, 1],
    [`cut_total{app="shop",instance="shop-${ill}"}`, 1],
  ]) {
    t.true(lines.includes(`teal_router_instance_${name} ${value}`), String(name));
  }

  const failed = two?.byClass[5] ?? 0;
  const targets = [{ id: `shop-${ill}`, host: "127.0.0.1", port: ill }];
  rig.route([well], { release: 2, colour: "green" });
  const standby = { colour: "blue" as const, release: 1, targets };
  rig.router.apply({ type: "idle", idle: { app: "shop", version: 1, standby } });
  const idle = "GET / HTTP/1.1\r\nHost: idle--shop.localhost\r\nConnection: close\r\n\r\n";
  await (await rawClient(t, rig.port, idle)).end();
  const now = counted() ?? {};
  t.deepEqual(Object.keys(now).toSorted(), [`shop-${well}`, `shop-${ill}`].toSorted());
  t.is(now[`shop-${ill}`]?.byClass[5], failed + 1, "counted on, as a standby");
  t.is(now[`shop-${ill}`]?.since, two?.since);
  t.is(now[`shop-${well}`]?.since, one?.since, "and across a swap");
});

test("The metrics are served on a socket of the owner's own, also where a dead one was left", async (t) => {
  const rig = await startRouter(t);
  const folder = await mkdtemp(join(tmpdir(), "teal-metrics-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "run", "router-1.sock");
  const first = await serveMetrics(file, rig.router.stats);
  first.close();
  await once(first, "close");
  await writeFile(file, "left over");
  const server = await serveMetrics(file, rig.router.stats);
  t.teardown(() => server.close());
  t.is((await stat(file)).mode & 0o777, 0o600);
  const read = async (path: string) => {
    const [res] = (await once(get({ socketPath: file, path, agent: false }), "response")) as [
      IncomingMessage,
    ];
    return { status: res.statusCode, body: await text(res) };
  };
  t.regex((await read("/metrics")).body, /^teal_router_connections 0$/m);
  t.is((await read("/")).status, 404);
});
