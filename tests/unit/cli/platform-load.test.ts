import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import test from "ava";
import { startLoad, type LoadResult } from "../../../apps/cli/platform/load.ts";

async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const versionOf = (body: string): string | null => /version (\w+)/.exec(body)?.[1] ?? null;
const fixed = {
  host: "127.0.0.1",
  hostHeader: "shop.localhost",
  connections: 4,
  maxMs: 20_000,
  versionOf,
};

test("answers are counted by version, on as many connections as were asked for", async (t) => {
  const sockets = new Set<unknown>();
  const hosts = new Set<string | undefined>();
  let n = 0;
  const server = await serve((req, res) => {
    sockets.add(req.socket);
    hosts.add(req.headers.host);
    n += 1;
    res.end(`version ${n <= 50 ? "one" : "two"}`);
  });
  const results: LoadResult[] = [];
  const load = startLoad({
    ...fixed,
    port: server.port,
    maxRequests: 100,
    onResult: (r) => results.push(r),
  });
  while (results.length < 100) await new Promise((resolve) => setTimeout(resolve, 10));
  const report = await load.stop();
  server.close();
  t.is(report.requests, 100);
  t.is(report.lost, 0);
  t.deepEqual(report.byVersion, { one: 50, two: 50 });
  t.is(sockets.size, 4);
  t.deepEqual([...hosts], ["shop.localhost"]);
  t.true(results.every(({ start, end }) => end >= start));
});

test("whatever is not an answer with a known version is lost, with the reason", async (t) => {
  const kinds = ["reset", "cut", "503", "empty", "good"];
  let n = 0;
  const server = await serve((req, res) => {
    const kind = kinds[n % kinds.length];
    n += 1;
    if (kind === "reset") req.socket.resetAndDestroy();
    else if (kind === "cut") {
      res.writeHead(200, { "content-length": "1000" });
      res.write("version one");
      setTimeout(() => req.socket.destroy(), 20);
    } else if (kind === "503") res.writeHead(503).end("version one");
    else res.end(kind === "good" ? "version one" : "nothing");
  });
  let done = 0;
  const load = startLoad({
    ...fixed,
    connections: 1,
    port: server.port,
    maxRequests: 10,
    onResult: () => (done += 1),
  });
  while (done < 10) await new Promise((resolve) => setTimeout(resolve, 10));
  const report = await load.stop();
  server.close();
  t.is(report.requests, 10);
  t.is(report.lost, 8);
  t.deepEqual(report.byVersion, { one: 2 });
  t.is(report.problems["status 503"], 2);
  t.is(report.problems["status 200"], 2, "an unknown body");
  t.is(
    Object.values(report.problems).reduce((a, b) => a + b),
    8,
  );
});

test("the first answer of a version counts only requests that were begun after the moment", async (t) => {
  let version = "one";
  const server = await serve((_req, res) => res.end(`version ${version}`));
  const load = startLoad({ ...fixed, port: server.port, pauseMs: 5 });
  const moment = performance.now();
  const seen = load.firstAnswer("two", moment, 10_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  version = "two";
  const flipped = performance.now();
  const at = await seen;
  t.true(at !== null && at >= flipped);
  t.is(await load.firstAnswer("three", moment, 50), null);
  await load.stop();
  server.close();
});
