import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { createAccess } from "../../../apps/access.ts";
import { createMetricsPage } from "../../../apps/metrics-page.ts";
import { createMetrics } from "../../../apps/metrics.ts";
import { readProcesses, reportProcess } from "../../../apps/process-metrics.ts";
import { createQueue } from "../../../apps/queue.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { serveMetrics } from "../../../router/metrics.ts";
import { startRedis } from "../../support/redis.ts";
import { ask, listen, startRouter } from "../../support/router-rig.ts";

const LOG = { debug() {}, info() {}, warn() {}, error() {} };
const SAMPLE = /^\w+(?:\{\w+="(?:[^"\\]|\\.)*"(?:,\w+="(?:[^"\\]|\\.)*")*\})? [\d.e+-]+$/;

test("the page has every router of the machine, the processes and the queue, family by family", async (t) => {
  const runDir = await mkdtemp(join(tmpdir(), "teal-run-"));
  const server = await startRedis();
  const redis = server.connect();
  const app = createServer((_req, res) => res.end("hello"));
  const port = await listen(app);
  const stop = new AbortController();
  for (const n of [1, 2]) {
    const rig = await startRouter(t);
    rig.route([port]);
    for (let i = 0; i < n; i++) await ask(t, rig.port);
    const served = await serveMetrics(join(runDir, `router-${n}.sock`), () => rig.router.stats());
    t.teardown(() => served.close());
  }
  await writeFile(join(runDir, "router-3.sock"), "");
  const store = createRedisStore(redis);
  await store.createApp("shop", "ann");
  const queue = createQueue(redis);
  await queue.wake("shop");
  const reporting = reportProcess(redis, "worker", stop.signal);
  while ((await readProcesses(redis)).length === 0)
    await new Promise((done) => setTimeout(done, 10));

  const access = createAccess(redis);
  const page = createMetricsPage({
    access,
    log: LOG,
    metrics: createMetrics({ redis, queue, store, runDir }),
  });
  const listener: RequestListener = (req, res) => void page(req, res);
  const http = createServer(listener);
  const url = `http://127.0.0.1:${await listen(http)}/metrics`;
  t.teardown(async () => {
    stop.abort();
    await reporting;
    http.closeAllConnections();
    http.close();
    app.closeAllConnections();
    app.close();
    await queue.close();
    await server.stop();
    await rm(runDir, { recursive: true, force: true });
  });

  const says = await (await fetch(url)).text();
  const lines = says.trimEnd().split("\n");
  for (const line of [
    'teal_router_answers_total{app="shop",colour="blue",class="2xx",router="1"} 1',
    'teal_router_answers_total{app="shop",colour="blue",class="2xx",router="2"} 2',
    'teal_router_up{router="1"} 1',
    'teal_router_up{router="3"} 0',
    'teal_queue_jobs{state="waiting"} 1',
    'teal_apps{state="active"} 1',
    "teal_store_up 1",
  ])
    t.true(lines.includes(line), line);
  t.regex(
    says,
    new RegExp(
      `teal_process_resident_bytes\\{process="worker",host=".+",pid="${process.pid}"\\} \\d+`,
    ),
  );
  for (const line of lines) if (!line.startsWith("# ")) t.regex(line, SAMPLE);
  const families = lines
    .filter((line) => line.startsWith("# TYPE"))
    .map((line) => line.split(" ")[2]);
  t.is(new Set(families).size, families.length);
  let family = "";
  for (const line of lines) {
    family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
    if (!line.startsWith("#")) t.true(line.startsWith(family), `${line} under ${family}`);
  }

  const statusOf = async (headers: Record<string, string>) =>
    (await fetch(url, { headers })).status;
  const token = async (role: "metrics" | "read" | "admin") =>
    `Bearer ${(await access.createToken({ name: role, role, apps: "*" })).secret}`;
  t.is(await statusOf({ Authorization: await token("metrics") }), 200);
  t.is(await statusOf({ Authorization: await token("admin") }), 200);
  t.is(await statusOf({ Authorization: await token("read") }), 403);
  t.is(await statusOf({ Authorization: "Bearer wrong" }), 401);
  for (const name of ["X-Forwarded-For", "Forwarded", "Via", "X-Forwarded-Proto"])
    t.is(await statusOf({ [name]: "192.0.2.1" }), 401, name);
  t.is((await fetch(url, { method: "POST" })).status, 405);

  await server.stop();
  const alone = await (await fetch(url)).text();
  t.regex(alone, /^teal_store_up 0$/m);
  t.regex(alone, /^teal_router_up\{router="2"\} 1$/m);
});
