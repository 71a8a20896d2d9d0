import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { hostileBytes } from "../support/hostile-requests.ts";
import { direct } from "../support/llhttp.ts";
import { deadPort, eventually, rawClient, startRouter } from "../support/router-rig.ts";

/*
 * Differential, with another parser behind the router: of the requests that Node's llhttp sees in the
 * bytes of a client, nginx gets a beginning, one for each that the router says it has sent.
 */

interface Nginx {
  port: number;
  /**
   * `METHOD PATH STATUS` of each request so far, also of those whose connection was only just closed:
   * nginx writes their lines then, and before that of a request that comes later.
   */
  requests(): Promise<string[]>;
}

/** Of the requests that come later, which no fuzz makes. */
const LATER = "/asked-by-the-test-itself-";

async function startNginx(t: ExecutionContext): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), "teal-nginx-"));
  const port = await deadPort();
  const log = join(folder, "requests");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log /dev/null;
    events {} http { ${temporary} log_format line '$request_method $request_uri $status';
    access_log ${log} line; keepalive_requests 100000; merge_slashes off;
    server { listen 127.0.0.1:${port}; location / { return 200 ok; } } }`;
  await writeFile(join(folder, "conf"), config);
  await writeFile(log, "");
  const path = `${process.env["PATH"]}:/usr/sbin:/sbin`;
  const child = spawn("nginx", ["-c", join(folder, "conf"), "-e", "/dev/null"], {
    env: { PATH: path },
    stdio: "ignore",
  });
  const failed: Promise<unknown[]> = once(child, "error");
  t.teardown(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const listens = async (): Promise<boolean> => {
    const socket = connect(port, "127.0.0.1").on("error", () => undefined);
    await once(socket, "close", { signal: AbortSignal.timeout(50) }).catch(() => undefined);
    const open = socket.readyState === "open";
    socket.destroy();
    return open;
  };
  const until = performance.now() + 10_000;
  while (!(await Promise.race([listens(), failed.then(() => false)]))) {
    if (performance.now() > until) throw new Error("nginx does not listen: is it installed?");
    await sleep(20);
  }
  const lines = async () => (await readFile(log, "latin1")).split("\n").filter(Boolean);
  let asked = 0;
  async function requests(): Promise<string[]> {
    const later = `${LATER}${++asked}`;
    await (await fetch(`http://127.0.0.1:${port}${later}`)).text();
    const limit = performance.now() + 10_000;
    for (;;) {
      const all = await lines();
      if (all.includes(`GET ${later} 200`)) return all.filter((line) => !line.includes(LATER));
      if (performance.now() > limit) throw new Error("nginx does not write its log");
      await sleep(2);
    }
  }
  return { port, requests };
}

test("No bytes are one request for the router and another for nginx behind it", async (t) => {
  const rig = await startRouter(t);
  const nginx = await startNginx(t);
  rig.route([nginx.port]);
  const open = () => rig.router.stats().apps["shop"]?.targets[0]?.open;
  const served = () => rig.router.counters("shop").served[1] ?? 0;
  let before = (await nginx.requests()).length;
  let forwarded = 0;

  async function sameForBoth(all: Buffer): Promise<void> {
    const sent = served();
    const client = await rawClient(t, rig.port);
    client.socket.write(all);
    await setImmediate();
    const answered = () => client.closed() || (open() === 0 && client.text() !== "");
    for (let i = 0; i < 20 && !answered(); i++) await sleep(5);
    client.socket.destroy();
    await eventually(() => open() === 0);
    const count = served() - sent;
    const got = (await nginx.requests()).slice(before);
    before += got.length;
    // Also what has no whole body: nginx answers when it has the head.
    const { begun: wanted } = await direct(all);
    const says = `${JSON.stringify(all.toString("latin1"))} was ${got.join()}, not ${wanted.join()}; ${count} counted`;
    for (const [i, line] of got.entries()) {
      const request = line.slice(0, line.lastIndexOf(" "));
      // What was begun and given up is no second meaning; nginx has no answer to `OPTIONS *`.
      const unread =
        / (?:400|408|499)$/.test(line) && (i === got.length - 1 || line.includes(" * "));
      if (request !== wanted[i] && !unread) throw new Error(says);
    }
    if (got.length > count + 1 || got.length < count) throw new Error(says);
    forwarded += got.length;
  }

  await fc.assert(fc.asyncProperty(hostileBytes, sameForBoth), { numRuns: 250 });
  t.true(forwarded > 30, `${forwarded} requests went through`);
});
