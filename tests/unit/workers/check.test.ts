import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type ExecutionContext } from "ava";
import type { HealthCheck } from "../../../apps/checks.ts";
import type { Instance } from "../../../apps/types.ts";
import { checkInstance, startChecks } from "../../../workers/check.ts";

const TIMES = { attempts: 1, timeoutMs: 200, waitMs: 800, initialDelayMs: 0 };

/** A server on a port of its own, until the test ends. */
async function serve(t: ExecutionContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, done));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Checks an instance that runs in this process, with `port` for its web port. */
async function check(port: number, checks: Omit<HealthCheck, keyof typeof TIMES>[], startedAt = 0) {
  const said: string[] = [];
  const instance = { id: "i", process: "web", index: 1, host: "127.0.0.1", port } as Instance;
  const state = { running: true, exitCode: 0, oomKilled: false, pid: process.pid, addresses: [] };
  await checkInstance(
    instance,
    { say: (kind, text) => said.push(`${kind} ${text}`), signal: new AbortController().signal },
    {
      containers: {
        inspect: async () => ({ ...state, startedAt }),
        execute: async () => ({ code: 1, output: "" }),
        lastLines: async () => [],
      },
      hostHeader: "shop.localhost",
      timeoutMs: 1000,
      checks: checks.map((one) => ({ ...TIMES, ...one })),
    },
  );
  return said.join("\n");
}

test("headers and the port of a check are what is asked with", async (t) => {
  const other = await serve(t, ({ headers }, response) => {
    response.statusCode = headers["x-key"] === "7" && headers.host === "own.test" ? 204 : 403;
    response.end();
  });
  const web = await serve(t, (_, response) => response.end());
  const headers = { "X-Key": "7", Host: "own.test" };
  t.regex(await check(web, [{ type: "startup", path: "/", headers, port: other }]), /status 204/);
  await t.throwsAsync(check(web, [{ type: "startup", path: "/", port: other }]), {
    message: /status 403/,
  });
});

test("every check must pass, and one that warns changes nothing", async (t) => {
  const port = await serve(t, ({ url }, response) => {
    response.statusCode = url === "/up" ? 200 : 404;
    response.end();
  });
  const up = { type: "startup", path: "/up" } as const;
  const down = { type: "startup", path: "/down" } as const;
  await t.throwsAsync(check(port, [up, down]), { message: /within 1 s: status 404/ });
  t.regex(await check(port, [up, { ...down, warn: true }]), /warn .*failed, which only warns/);
});

test("a port is enough where the app says so", async (t) => {
  const port = await serve(t, (_, response) => response.writeHead(500).end());
  t.regex(await check(port, [{ type: "startup", listening: true }]), /listening on \d+/);
  await t.throwsAsync(check(port, []), { message: /status 500/ });
  await t.throwsAsync(check(1, [{ type: "startup", listening: true }]), {
    message: /listens on|nothing listens/,
  });
});

test("an uptime is waited for, beyond the tries", async (t) => {
  const began = Date.now();
  await check(1, [{ type: "startup", uptimeMs: 1500 }], began);
  t.true(Date.now() - began >= 1500);
});

test("a release from before has its one check, for as long as it had", (t) => {
  const old = { check: { path: "/up", timeoutMs: 2000, withinMs: 12_000 } };
  t.like(startChecks(old, "web"), [{ path: "/up", timeoutMs: 2000, waitMs: 10_000, attempts: 1 }]);
  t.deepEqual(startChecks(old, "worker"), []);
});
