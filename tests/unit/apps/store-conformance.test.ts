import test from "ava";
import fc from "fast-check";
import { changes, life, rare, ways } from "../../support/store-commands.ts";
import { work } from "../../support/store-commands-work.ts";
import { APPS, assertSame, type Pair } from "../../support/store-pair.ts";
import { memoryWorld, startRedisWorlds } from "../../support/store-worlds.ts";

const worlds = await startRedisWorlds();
test.after.always(() => worlds.server.stop());

test("the store on Redis and the one in memory cannot be told apart", async (t) => {
  let swaps = 0;
  let commands = 0;
  const some = [
    ways,
    ways,
    ways,
    ways,
    ways,
    ways,
    ...life,
    ...life,
    ...changes,
    ...rare,
    ...work,
    ...work,
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(some, { size: "+2", maxCommands: 120 }), async (sequence) => {
      const pair: Pair = {
        worlds: [memoryWorld(), await worlds.world()],
        lives: new Map(),
        versions: new Map(),
      };
      // both apps are there from the start, so that a sequence gets further
      const ids = [new Map<string, string>(), new Map<string, string>()];
      for (const [at, { store }] of pair.worlds.entries()) {
        for (const name of APPS) ids[at]?.set(name, (await store.createApp(name, "ann")).id);
      }
      const setup = () => ({ model: { claims: [], deploys: [], instances: [], ids }, real: pair });
      await fc.asyncModelRun(setup, sequence);
      const events = await Promise.all(pair.worlds.map((world) => world.events()));
      assertSame("other events", events);
      swaps += events[0]?.filter((event) => event.type === "route").length ?? 0;
      commands += [...sequence].length;
    }),
    { numRuns: 120, endOnFailure: false },
  );
  t.log(`${commands} commands, ${swaps} swaps`);
  t.true(
    swaps > 40,
    `the sequences reach a swap often enough to mean something, not ${swaps} times`,
  );
});
