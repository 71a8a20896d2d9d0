import test from "ava";
import { channels } from "../../../apps/keys.ts";
import { createRouters } from "../../../workers/routers.ts";
import { startRedis } from "../../support/redis.ts";

test("what no router says is passed over, and what they say is waited for, up to a bound", async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const redis = server.connect();
  const routers = await createRouters({
    subscriber: server.connect(),
    publish: async () => {},
  });
  const say = (text: string) => redis.publish(channels.routeAcks, text);
  const held = routers.awaitHeld("swap-1", ["r1", "r2"], 5000);
  for (const junk of ["", "{", "null", "7", "[]", "{}", '{"type":"held"}', '{"router":7}']) {
    await say(junk);
  }
  await say(JSON.stringify({ type: "held", router: "r1", app: "shop", swap: "another" }));
  for (const router of ["r1", "r2"]) {
    await say(JSON.stringify({ type: "held", router, app: "shop", swap: "swap-1" }));
  }
  t.deepEqual(await held, [], "nobody was silent");
  t.deepEqual(await routers.awaitHeld("swap-2", ["r1"], 50), ["r1"]);
  t.deepEqual(await routers.awaitHeld("swap-3", [], 5000), []);
});
