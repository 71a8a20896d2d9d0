import { createHash, randomBytes, type Hash } from "node:crypto";
import { once } from "node:events";
import { get, request, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { startHttpApp, startRouter } from "../../support/router-rig.ts";

/** More than have a buffer of their own. */
const CLIENTS = 90;
const BODIES = Array.from({ length: 8 }, (_, i) => randomBytes(300_000 + 77_777 * i));
const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const DIGESTS = BODIES.map(digest);

/** Reads a body, now and then with a rest; its digest. */
async function readWithRests(res: IncomingMessage, restMs: number): Promise<string> {
  const hash: Hash = createHash("sha256");
  let since = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    hash.update(chunk);
    since += chunk.length;
    if (restMs > 0 && since > 100_000) {
      since = 0;
      await sleep(restMs);
    }
  }
  return hash.digest("hex");
}

test("Many large answers at once, to quick and slow clients, come as they were sent", async (t) => {
  const rig = await startRouter(t);
  const appPort = await startHttpApp(t, (req, res) => {
    const body = BODIES[Number(req.url?.slice(1)) % BODIES.length] as Buffer;
    // By length and in chunks.
    if (req.headers["x-chunked"]) res.write(body.subarray(0, 5));
    res.end(req.headers["x-chunked"] ? body.subarray(5) : body);
  });
  rig.route([appPort]);
  const one = async (i: number): Promise<void> => {
    const headers = { host: "shop.test", ...(i % 3 === 0 && { "x-chunked": "1" }) };
    const options = { host: "127.0.0.1", port: rig.port, path: `/${i}`, headers, agent: false };
    const [res] = (await once(get(options), "response")) as [IncomingMessage];
    t.is(
      await readWithRests(res, i % 4 === 0 ? 20 : 0),
      DIGESTS[i % BODIES.length] as string,
      String(i),
    );
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => one(i)));
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => one(i)));
  t.is(rig.router.counters("shop").lost, 0);
});

test("Many large uploads at once, to an app that takes its time, arrive as they were sent", async (t) => {
  const rig = await startRouter(t);
  const appPort = await startHttpApp(t, (req, res) => {
    void readWithRests(req, Number(req.headers["x-rest"])).then((hash) => res.end(hash));
  });
  rig.route([appPort]);
  const one = async (i: number): Promise<void> => {
    const headers = { host: "shop.test", "x-rest": i % 4 === 0 ? "15" : "0" };
    const req = request({
      host: "127.0.0.1",
      port: rig.port,
      method: "PUT",
      headers,
      agent: false,
    });
    const body = BODIES[i % BODIES.length] as Buffer;
    if (i % 3 === 0) req.write(body.subarray(0, 70_000));
    req.end(i % 3 === 0 ? body.subarray(70_000) : body);
    const [res] = (await once(req, "response")) as [IncomingMessage];
    t.is(
      await res.setEncoding("latin1").reduce((all, text) => all + text, ""),
      DIGESTS[i % BODIES.length] as string,
    );
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => one(i)));
  t.is(rig.router.counters("shop").lost, 0);
});
