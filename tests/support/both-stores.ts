import test, { type ExecutionContext } from "ava";
import type { Redis } from "ioredis";
import { type ErrorCode, isTealError } from "../../apps/errors.ts";
import type { Claim, Store } from "../../apps/store.ts";
import type { Deploy } from "../../apps/types.ts";
import { LEASE_MS, memoryWorld, startRedisWorlds, type World } from "./store-worlds.ts";

interface Options {
  /** After each case on Redis. */
  afterRedis?(t: ExecutionContext, world: World, redis: Redis): Promise<void>;
}

/** One redis-server for a whole test file, gone after its last test, and the way to ask both stores. */
export async function startBothStores({ afterRedis }: Options = {}) {
  const { server, redis, world } = await startRedisWorlds();
  test.after.always(() => server.stop());
  return {
    server,
    redis,
    redisWorld: world,
    /** The same case against each implementation, one after the other. */
    both(title: string, run: (t: ExecutionContext, world: World) => Promise<void>): void {
      test.serial(`${title} (memory)`, (t) => run(t, memoryWorld()));
      test.serial(`${title} (Redis)`, async (t) => {
        const emptied = await world();
        await run(t, emptied);
        await afterRedis?.(t, emptied, redis);
      });
    },
  };
}

/** Passes when the call is refused with this code; its message. */
export async function refused(
  t: ExecutionContext,
  code: ErrorCode,
  promise: Promise<unknown>,
): Promise<string> {
  const error = await t.throwsAsync(promise);
  t.true(isTealError(error, code), `${code} was expected, and ${String(error)} came`);
  return error?.message ?? "";
}

/** Claims what is next in the app. @throws Error when there is nothing, or somebody has it */
export async function claimed(
  store: Store,
  app = "shop",
  executor = "one",
): Promise<{ claim: Claim; deploy: Deploy }> {
  const taken = await store.claim(app, executor, LEASE_MS);
  if (!taken) throw new Error("nothing to claim");
  return taken;
}
