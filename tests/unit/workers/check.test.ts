import { execFile } from "node:child_process";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import type { HealthCheck } from "../../../apps/checks.ts";
import type { Instance } from "../../../apps/types.ts";
import { checkInstance, startChecks } from "../../../workers/check.ts";

const run = promisify(execFile);
const TIMES = { attempts: 1, timeoutMs: 200, waitMs: 800, initialDelayMs: 0 };

/** A server on a port of its own, until the test ends. */
async function serve(t: ExecutionContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, done));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

type Wish = Omit<HealthCheck, keyof typeof TIMES> & Partial<HealthCheck>;

/** Runs a command here, where an instance of this process would have it run. */
async function execute(_: string, [file = "", ...args]: string[], timeout: number) {
  return run(file, args, { timeout }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stdout }) => ({ code: (code ?? null) as number | null, output: String(stdout) }),
  );
}

/** Checks an instance that runs in this process, with `port` for its web port. */
async function check(port: number, checks: Wish[], startedAt = 0) {
  const said: string[] = [];
  const instance = { id: "i", process: "web", index: 1, host: "127.0.0.1", port } as Instance;
  const state = { running: true, exitCode: 0, oomKilled: false, pid: process.pid, addresses: [] };
  await checkInstance(
    instance,
    { say: (kind, text) => said.push(`${kind} ${text}`), signal: new AbortController().signal },
    {
      containers: {
        inspect: async () => ({ ...state, startedAt }),
        execute,
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

/** How long something took that was to fail, and why it did. */
async function failing(wish: Promise<unknown>): Promise<{ ms: number; message: string }> {
  const began = performance.now();
  const message = await wish.then(() => "it passed", String);
  return { ms: performance.now() - began, message };
}

test("a redirect is no health, and where it leads is said", async (t) => {
  const port = await serve(t, (_, response) => {
    response.writeHead(301, { location: "https://shop.example/up" }).end("moved");
  });
  const path = { type: "startup", path: "/up" } as const;
  const { message } = await failing(check(port, [path]));
  t.regex(message, /status 301, Location: https:\/\/shop\.example\/up, body: moved/);
  t.regex(await check(port, []), /status 301/, "without a check anything below 500 will do");
});

test("path and content are looked for where the app says, and must both be right", async (t) => {
  const port = await serve(t, ({ url }, response) => {
    response.statusCode = url === "/" ? 500 : 200;
    response.end(url === "/late" ? `${"x".repeat(60_000)} ready` : "not yet");
  });
  const content = { type: "startup", content: "ready" } as const;
  t.regex(await check(port, [{ ...content, path: "/late" }]), /status 200/);
  const { message } = await failing(check(port, [{ ...content, path: "/soon" }]));
  t.regex(message, /status 200, without "ready", body: not yet/);
  t.regex((await failing(check(port, [content]))).message, /status 500/, "at / unless it is said");
});

test("a command passes by its status, is told with what it printed, and ends in time", async (t) => {
  const within = (code: string, more: Partial<HealthCheck> = {}) =>
    check(1, [{ type: "startup", command: [process.execPath, "-e", code], ...more }]);
  t.regex(await within("", { timeoutMs: 5000 }), /status 0 of its command/);
  const own = await failing(within('console.log("cold"); process.exit(4)', { timeoutMs: 5000 }));
  t.regex(own.message, /status 4 of its command: cold/);
  const hung = await failing(within("setInterval(() => {}, 1000)", { timeoutMs: 300 }));
  t.regex(hung.message, /no end within \d+ ms/);
});

test("initialDelay: nobody asks before, and the time that it has begins then", async (t) => {
  const asked: number[] = [];
  const began = performance.now();
  const port = await serve(t, (_, response) => {
    asked.push(performance.now() - began);
    response.statusCode = asked.length > 2 ? 200 : 503;
    response.end();
  });
  await check(port, [{ type: "startup", path: "/", initialDelayMs: 1500 }]);
  t.true(
    asked.every((ms) => ms >= 1490),
    String(asked),
  );
  t.is(asked.length, 3);
});

test("timeout is what one try may take", async (t) => {
  const port = await serve(t, (_, response) => void setTimeout(() => response.end(), 1200));
  const path = { type: "startup", path: "/", waitMs: 0 } as const;
  t.regex(await check(port, [{ ...path, timeoutMs: 5000 }]), /Try 1: status 200/);
  const { message } = await failing(check(port, [{ ...path, timeoutMs: 600 }]));
  t.regex(message, /no answer within \d+ ms/);
});

test("attempts and wait say for how long it is tried", async (t) => {
  const port = await serve(t, (_, response) => response.writeHead(503).end());
  const path = { type: "startup", path: "/", timeoutMs: 200 } as const;
  const [once, thrice, patient] = await Promise.all([
    failing(check(port, [{ ...path, attempts: 1, waitMs: 800 }])),
    failing(check(port, [{ ...path, attempts: 3, waitMs: 800 }])),
    failing(check(port, [{ ...path, attempts: 1, waitMs: 2800 }])),
  ]);
  t.regex(once.message, /within 1 s: status 503/);
  t.true(once.ms >= 1000 && once.ms < 2900, String(once.ms));
  for (const { message, ms } of [thrice, patient]) {
    t.regex(message, /within 3 s: status 503/);
    t.true(ms >= 3000, String(ms));
  }
});

test("it is tried every 20 ms for two seconds, then every 100 ms", async (t) => {
  const asked: number[] = [];
  const port = await serve(t, (_, response) => {
    asked.push(performance.now());
    response.writeHead(503).end();
  });
  await failing(check(port, [{ type: "startup", path: "/", waitMs: 3800 }]));
  const [first = 0] = asked;
  const gaps = (from: number, to: number) =>
    asked.flatMap((at, n) => {
      const before = asked[n - 1] ?? at;
      return n > 0 && before - first >= from && at - first <= to ? [at - before] : [];
    });
  // A busy machine makes them longer, and none shorter.
  const early = Math.min(...gaps(0, 1900));
  t.true(early >= 19 && early < 60, `${early} ms`);
  const late = Math.min(...gaps(2200, 4500));
  t.true(late >= 99 && late < 200, `${late} ms`);
});
