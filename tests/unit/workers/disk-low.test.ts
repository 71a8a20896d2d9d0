import test from "ava";
import { goLive, pushOf, startApi } from "../../support/api.ts";
import { keys } from "../../../apps/keys.ts";
import { createDiskWatch } from "../../../workers/disk-low.ts";

test("apps that are live are told that the disk is nearly full, once a day", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  for (const name of ["shop", "wiki"]) await api.store.createApp(name, "ann");
  await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
  const redis = api.redis.connect({});
  await redis.del(keys.notices);
  const look = createDiskWatch({
    redis,
    store: api.store,
    log: { warn() {} },
    floor: 1000 * 1024 ** 2,
  });
  await look(2000 * 1024 ** 2);
  t.deepEqual(await redis.lrange(keys.notices, 0, -1), []);
  await look(700 * 1024 ** 2);
  await look(600 * 1024 ** 2);
  t.deepEqual(await redis.lrange(keys.notices, 0, -1), [
    "shop-1 disk-low 700 MiB of disk are free",
  ]);
  t.true((await redis.ttl(keys.diskLow)) > 80_000);
  redis.disconnect();
});
