/**
 * `npm run bench [-- --json FILE] [--runs N]`: what a deploy costs beside the same done by hand,
 * what a swap and a rollback take, what the idle platform weighs. All in one run on one machine.
 */
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { startPlatform } from "../support/platform.ts";
import { deployByHand } from "./by-hand.ts";
import { idleMemory } from "./memory.ts";
import { HEADER, row as line, type Series, series } from "./series.ts";
import { createShop } from "./shop.ts";

const { values } = parseArgs({
  options: { json: { type: "string" }, runs: { type: "string", default: "7" } },
});
const RUNS = Number(values.runs);

const platform = await startPlatform({ routers: 2, env: { TEAL_LEASE: "10" } });
try {
  const memory = await idleMemory(platform);
  const shop = await createShop(platform, "bench");
  await shop.push("warm-up-1");
  await shop.push("warm-up-2");
  const hand = await deployByHand(platform);
  await hand.deploy("warm-up");

  const push: number[] = [];
  const pushExit: number[] = [];
  const floor: number[] = [];
  for (let run = 1; run <= RUNS; run++) {
    const pushed = await shop.push(`push-${run}`);
    push.push(pushed.liveMs);
    pushExit.push(pushed.exitMs);
    floor.push(await hand.deploy(`hand-${run}`));
  }
  await hand.remove();

  const rollback: number[] = [];
  for (let run = 1; run <= RUNS * 2; run++) rollback.push(await shop.rollback());
  const swaps = await shop.swapsUnderLoad(RUNS * 2);

  const result = {
    machine: {
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
    routers: 2,
    pushToLiveMs: series(push),
    pushExitMs: series(pushExit),
    byHandMs: series(floor),
    pushOverFloor: Math.round((series(push).median / series(floor).median) * 100) / 100,
    warmRollbackMs: series(rollback),
    swapMs: series(swaps.map((swap) => swap.ms)),
    swapHoldMs: series(swaps.map((swap) => swap.holdMs)),
    heldPerSwap: series(swaps.map((swap) => swap.held)),
    lost: swaps.reduce((sum, swap) => sum + swap.lost, 0),
    idleMemoryMB: memory,
  };
  print(result);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await platform.stop();
}

function print(result: {
  pushToLiveMs: Series;
  pushExitMs: Series;
  byHandMs: Series;
  pushOverFloor: number;
  warmRollbackMs: Series;
  swapMs: Series;
  swapHoldMs: Series;
  heldPerSwap: Series;
  lost: number;
  idleMemoryMB: Record<string, number>;
}): void {
  const row = (...columns: Parameters<typeof line>) => console.log(line(...columns));
  console.log(HEADER);
  row("push of a one-line change to first answer, ms", result.pushToLiveMs, "aim < 3000");
  row("the same push to its exit, ms", result.pushExitMs);
  row("by hand: build, run, poll until 200, ms", result.byHandMs);
  console.log(
    `${"push over by hand".padEnd(46)}${String(result.pushOverFloor).padStart(9)}   ${"".padEnd(20)}aim <= 1.5`,
  );
  row("warm rollback: API call to old version, ms", result.warmRollbackMs, "aim <= 50");
  row("swap under load, 2 routers, ms", result.swapMs);
  row("longest hold of a swap, ms", result.swapHoldMs, "aim <= 10");
  row("requests held per swap", result.heldPerSwap);
  console.log(`${"requests lost in all swaps".padEnd(46)}${String(result.lost).padStart(9)}`);
  const memory = Object.entries(result.idleMemoryMB).map(([name, mb]) => `${name} ${mb}`);
  console.log(`idle memory, MB of PSS: ${memory.join(", ")} (aim <= 300)`);
}
