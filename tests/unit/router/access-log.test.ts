import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { createAppLogs } from "../../../apps/app-logs.ts";
import { createAccessLog, type AccessLogOptions } from "../../../router/access-log.ts";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  OK,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";

async function logIn(t: ExecutionContext, more: Partial<AccessLogOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "teal-access-"));
  const failures: string[] = [];
  const failed = (error: Error) => void failures.push(error.message);
  const log = createAccessLog({ folder, index: "1", failed, everyMs: 20, ...more });
  t.teardown(async () => {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  });
  const file = join(folder, "shop", "router-1.jsonl");
  const lines = async (name = file) =>
    (await readFile(name, "utf8"))
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { folder, file, failures, log, lines };
}

const request = (path: string, more = "", method = "GET") =>
  `${method} ${path} HTTP/1.1\r\n${HEAD}Connection: close\r\n${more}\r\n`;

const line = { colour: "blue", release: 1, id: "", method: "GET", path: "/", status: 200 };
const entry = { ...line, ms: 1, bytes: 2, instance: "i" };

test("Every request of an app has a line that says who answered what, and without its query", async (t) => {
  const { log, lines, folder } = await logIn(t);
  const app = await startRawApp(t, (socket, head) => {
    if (head.includes("/hang")) return;
    if (head.includes("/ws"))
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello",
      );
    else if (head.includes("/nonsense")) socket.end("nonsense");
    else if (head.includes("/half")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    else socket.write(OK_CLOSE);
  });
  const rig = await startRouter(t, { log });
  rig.route([app.port], { release: 7, colour: "green" });
  await ask(t, rig.port, "", '/a"b\\c?token=s3cr3t');
  const sent = `${request("/post", "Content-Length: 2\r\n", "POST")}hi`;
  await (await rawClient(t, rig.port, sent)).end();
  await ask(t, rig.port, "", "/nonsense");
  await ask(t, rig.port, "", "/half");
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const ws = await rawClient(t, rig.port, `GET /ws HTTP/1.1\r\n${HEAD}${upgrade}\r\n`);
  await ws.until(/hello/);
  ws.socket.destroy();
  const left = await rawClient(t, rig.port, request("/hang"));
  await eventually(() => app.received.some((text) => text.includes("/hang")));
  left.socket.destroy();
  const stranger = "GET /none HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n";
  await (await rawClient(t, rig.port, stranger)).end();
  rig.route([app.port], { release: 7, policy: { maxBodyBytes: 1 } });
  await (await rawClient(t, rig.port, sent)).end();
  rig.route([await deadPort()], { release: 8 });
  await ask(t, rig.port, "", "/down");
  await log.close();

  const all = await lines();
  const shown = all.map(({ text }) => String(text).replace(/\d+ms$/, "ms"));
  t.deepEqual(shown.toSorted(), [
    'GET /a"b\\c 200 ms',
    "GET /down 503 ms",
    "GET /half 200 ms",
    "GET /hang 499 ms",
    "GET /nonsense 502 ms",
    "GET /ws 101 ms",
    "POST /post 200 ms",
    "POST /post 413 ms",
  ]);
  const [first] = all;
  t.like(first, {
    from: "router.1",
    colour: "green",
    release: 7,
    method: "GET",
    path: '/a"b\\c',
    status: 200,
    bytes: 2,
    instance: `shop-${app.port}`,
  });
  t.regex(String(first?.["id"]), /^[0-9a-f-]{36}$/);
  t.true(app.received[0]?.includes(`x-request-id: ${String(first?.["id"])}`), "the app's own id");
  t.true(Math.abs(Number(first?.["t"]) - Date.now()) < 10_000);
  t.true(Number(first?.["ms"]) >= 0);
  t.like(
    all.find(({ path }) => path === "/half"),
    { bytes: 4 },
  );
  t.like(
    all.find(({ path }) => path === "/down"),
    { release: 8, id: "" },
  );
  t.false((await readFile(join(folder, "shop", "router-1.jsonl"), "utf8")).includes("s3cr3t"));
  t.is((await stat(join(folder, "shop", "router-1.jsonl"))).mode & 0o777, 0o600);
  t.deepEqual(await readdir(folder), ["shop"], "what belongs to no app is in no file");
});

test("Pipelined and kept requests have one line each, of the app that they were for", async (t) => {
  const { log, lines, folder } = await logIn(t);
  const app = await startRawApp(t, (socket) => {
    socket.write(OK);
    socket.on("data", () => void socket.write(OK));
  });
  const rig = await startRouter(t, { log });
  rig.route([app.port]);
  rig.router.apply({
    type: "route",
    route: {
      ...{ app: "blog", version: 1, colour: "blue", release: 1, deploy: "b", drainMs: 1000 },
      ...{ hosts: ["blog.test"], targets: [{ id: "b-1", host: "127.0.0.1", port: app.port }] },
    },
  });
  const one = (host: string, path: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const client = await rawClient(
    t,
    rig.port,
    one("shop.test", "/1") +
      one("blog.test", "/2") +
      one("none.test", "/3") +
      one("shop.test", "/4"),
  );
  await client.until(/^(?:[^]*?HTTP\/1\.1 [24]){4}/);
  await log.close();
  const paths = async (name: string) =>
    (await lines(join(folder, name, "router-1.jsonl"))).map(
      ({ path, status }) => `${String(path)} ${String(status)}`,
    );
  t.deepEqual(await paths("shop"), ["/1 200", "/4 200"]);
  t.deepEqual(await paths("blog"), ["/2 200"]);
});

test("An app without an access log has none, and one that is gone gets nothing back", async (t) => {
  const { log, lines, folder } = await logIn(t);
  const app = await startRawApp(t, (socket, head) => {
    if (!head.includes("/slow")) socket.write(OK_CLOSE);
    else setTimeout(() => socket.write(OK_CLOSE), 300);
  });
  const rig = await startRouter(t, { log });
  rig.route([app.port], { policy: { accessLog: false } });
  await ask(t, rig.port);
  await sleep(60);
  t.deepEqual(await readdir(folder), []);
  rig.route([app.port], { policy: { accessLog: true } });
  await ask(t, rig.port);
  await sleep(100);
  t.is((await lines()).length, 1);
  const slow = ask(t, rig.port, "", "/slow");
  await eventually(() => app.received.some((text) => text.includes("/slow")));
  rig.router.apply({ type: "gone", app: "shop", version: 9 });
  await rm(join(folder, "shop"), { recursive: true });
  t.regex(await slow, /ok$/, "it drains");
  await sleep(100);
  t.deepEqual(await readdir(folder), []);
});

test("A file that has grown makes place for the next", async (t) => {
  const { log, lines, file } = await logIn(t, { maxBytes: 20_000 });
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 60; i++) log.add("shop", { ...entry, path: `/${round}` });
    await sleep(60);
  }
  await log.close();
  const old = await lines(file.replace(".jsonl", ".old.jsonl"));
  const now = await lines().catch(() => []);
  t.is(log.leftOut(), 0);
  t.is(old.at(0)?.["path"], "/2", "two rounds fill a file, and the one before it goes");
  t.is(old.length + now.length, 180);
});

test("A full disk harms nothing: lines are counted, and the log goes on when there is room", async (t) => {
  const { folder, file, failures, log, lines } = await logIn(t);
  await mkdir(join(folder, "shop"));
  await symlink("/dev/full", file);
  const app = await startRawApp(t, (socket) => void socket.write(OK_CLOSE));
  const rig = await startRouter(t, { log });
  rig.route([app.port]);
  for (let i = 0; i < 3; i++) t.regex(await ask(t, rig.port), /ok$/);
  await eventually(() => log.leftOut() === 3);
  t.true(failures.length === 1 && failures[0]?.includes("ENOSPC"), failures.join());
  t.is(rig.router.stats().leftOut, 3);
  await rm(file);
  t.regex(await ask(t, rig.port, "", "/after"), /ok$/);
  await log.close();
  const [left, after] = await lines();
  t.is(left?.["text"], "3 lines left out: the disk did not take them");
  t.is(after?.["path"], "/after");
});

test("A disk that does not answer holds up no request; what it cannot take is left out", async (t) => {
  const { folder, file, log } = await logIn(t);
  await mkdir(join(folder, "shop"));
  // Nobody reads it, so that opening it does not return.
  execFileSync("mkfifo", [file]);
  const app = await startRawApp(t, (socket) => void socket.write(OK_CLOSE));
  const rig = await startRouter(t, { log });
  rig.route([app.port]);
  t.regex(await ask(t, rig.port, "", "/before"), /ok$/);
  await sleep(60);
  const long = { ...entry, path: `/${"x".repeat(2000)}` };
  for (let i = 0; i < 1000; i++) log.add("shop", long);
  t.true(log.leftOut() > 0, "memory is bounded");
  t.true(log.leftOut() < 900);
  const since = performance.now();
  t.regex(await ask(t, rig.port, "", "/meanwhile"), /ok$/);
  t.true(performance.now() - since < 1000);
  const reader = await open(file, "r");
  let text = "";
  const reading = (async () => {
    for await (const chunk of reader.createReadStream({ encoding: "utf8" })) text += chunk;
  })();
  await log.close();
  await reading;
  t.regex(text, /GET \/before 200/);
  t.regex(text, /\d+ lines left out/);
});

test("Many apps write side by side, each into its own file", async (t) => {
  const { log, folder } = await logIn(t);
  for (let i = 0; i < 400; i++) log.add(`app-${i}`, { ...entry, path: `/${i}` });
  await log.close();
  t.is((await readdir(folder)).length, 400);
  const text = await readFile(join(folder, "app-399", "router-1.jsonl"), "utf8");
  t.is((JSON.parse(text) as { path: string }).path, "/399");
});

test("The lines are those that the app's logs are read from", async (t) => {
  const { log, folder } = await logIn(t);
  const apps = join(folder, "apps");
  const own = createAccessLog({
    folder: apps,
    index: "2",
    failed: (error) => t.fail(error.message),
  });
  own.add("shop", { ...entry, colour: "green", release: 7, path: "/products" });
  await own.close();
  await log.close();
  const read = await createAppLogs({ logs: folder }).read("shop", { limit: 10, source: "router" });
  t.is(read.length, 1);
  const text = "GET /products 200 1ms";
  t.like(read[0], { from: "router.2", colour: "green", release: 7, text });
  const none = await createAppLogs({ logs: folder }).read("shop", { limit: 10, release: 8 });
  t.deepEqual(none, []);
});
