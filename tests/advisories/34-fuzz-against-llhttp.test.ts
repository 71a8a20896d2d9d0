import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import fc from "fast-check";
import { hostileBytes } from "../support/hostile-requests.ts";
import { direct, recorder } from "../support/llhttp.ts";
import { eventually, listen, rawClient, startRouter } from "../support/router-rig.ts";

/*
 * Differential: whatever bytes a client sends, the app behind the router sees requests that Node's
 * own parser (llhttp) would have seen in those bytes, in that order, and none besides.
 */

test("No bytes are one request for the router and another for the app", async (t) => {
  const rig = await startRouter(t);
  const { server, seen } = recorder();
  rig.route([await listen(server)]);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const idle = () => rig.router.stats().apps["shop"]?.targets[0]?.open === 0;
  let forwarded = 0;

  async function sameForBoth(all: Buffer, split: number): Promise<void> {
    seen.requests.length = seen.refused.length = 0;
    const before = rig.router.counters("shop").served[1] ?? 0;
    const client = await rawClient(t, rig.port);
    client.socket.write(all.subarray(0, Math.floor(split * all.length)));
    await setImmediate();
    client.socket.write(all.subarray(Math.floor(split * all.length)));
    // A request may be unfinished for ever, so the waiting is bounded.
    const answered = () => client.closed() || (idle() && client.text() !== "");
    for (let i = 0; i < 20 && !answered(); i++) await sleep(5);
    const whole = client.closed();
    client.socket.destroy();
    await eventually(idle);
    const { requests: wanted } = await direct(all);
    const got = seen.requests.splice(0);
    const served = (rig.router.counters("shop").served[1] ?? 0) - before;
    const says = `${JSON.stringify(all.toString("latin1"))} was ${got.join()} instead of ${wanted.join()}`;
    if (got.join() !== wanted.slice(0, got.length).join()) throw new Error(says);
    // The app may have had one whose answer this client did not wait for.
    const unanswered = got.length - served;
    if (unanswered !== 0 && (unanswered !== 1 || whole)) {
      throw new Error(`${says}; counted ${served}`);
    }
    if (seen.refused.length > 0) throw new Error(`${says}; refused ${seen.refused.join()}`);
    forwarded += got.length;
  }

  const property = fc.asyncProperty(
    hostileBytes,
    fc.double({ min: 0, max: 1, noNaN: true }),
    sameForBoth,
  );
  await fc.assert(property, { numRuns: 400, includeErrorInReport: true });
  t.true(forwarded > 50, `${forwarded} requests went through`);
});
