import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { join } from "node:path";
import test from "ava";
import { listen } from "../../support/router-rig.ts";

const CHILD = join(import.meta.dirname, "../../support/young-router.ts");
/** Old enough never to be collected while the test runs. */
const HEAP = ["--expose-gc", "--initial-old-space-size=1024", "--no-allocation-site-pretenuring"];
const AT_ONCE = 20;
const ROUNDS = 40;
/** About 2,000 of the client's socket, and as many of one to the app: see docs/decisions/069. */
const MOST_BYTES = 5000;

async function ask(child: ChildProcess): Promise<number> {
  child.send("heap");
  return Number((await once(child, "message"))[0]);
}

async function once200(port: number, body: string): Promise<void> {
  const method = body === "" ? "GET" : "POST";
  const headers = { host: "shop.test", "content-length": body.length };
  const options = { host: "127.0.0.1", port, method, headers, agent: false };
  const [res] = await once(request(options).end(body), "response");
  res.resume();
  await once(res, "end");
}

for (const body of ["", "a body, which goes to the app on a connection of its own"]) {
  const what = body === "" ? "requests" : "uploads";
  test(`Nothing of connections that are closed outlives the small collections: ${what}`, async (t) => {
    const app = createServer((req, res) => req.resume().on("end", () => res.end("ok")));
    const appPort = await listen(app);
    const child = fork(CHILD, [String(appPort)], { execArgv: HEAP });
    t.teardown(() => {
      child.disconnect();
      app.close();
    });
    const [port] = await once(child, "message");
    const heaps: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => once200(port, body)));
      heaps.push(await ask(child));
    }
    const [half, end] = [heaps[ROUNDS / 2], heaps.at(-1)] as [number, number];
    const each = (end - half) / ((ROUNDS / 2 - 1) * AT_ONCE);
    t.log(`${Math.round(each)} bytes a connection`);
    t.true(each < MOST_BYTES, `${each} bytes of each closed connection are still there`);
  });
}
