/**
 * `npm run bench:life [-- --json FILE] [--runs N]`: changes of an app that runs, from the call to
 * the first answer, each beside the same done by hand with `docker run` on the same image.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startPlatform } from "../support/platform.ts";
import { createLifeApp } from "./life-app.ts";
import { createLifeByHand } from "./life-by-hand.ts";
import { HEADER, row, series } from "./series.ts";

const { values } = parseArgs({
  options: { json: { type: "string" }, runs: { type: "string", default: "7" } },
});
const RUNS = Number(values.runs);
const INSTANCES = 4;

const platform = await startPlatform({ routers: 2, env: { TEAL_LEASE: "10" } });
try {
  const app = await createLifeApp(platform, "life");
  const hand = await createLifeByHand(platform.namespace, await app.image());
  const times = {
    config: [] as number[],
    configByHand: [] as number[],
    scale: [] as number[],
    scaleByHand: [] as number[],
    warm: [] as number[],
    warmByHand: [] as number[],
    cold: [] as number[],
    coldByHand: [] as number[],
  };
  /** Each begins when nothing of the one before goes on. */
  const atRest = async (of: () => Promise<number>) => {
    await app.rest();
    return of();
  };
  for (let run = 1; run <= RUNS; run++) {
    times.config.push(await atRest(() => app.setConfig(`run-${run}`)));
    times.configByHand.push(await hand.run(1));
    times.scale.push(await atRest(() => app.scale(INSTANCES)));
    times.scaleByHand.push(await hand.run(INSTANCES - 1));
    await app.scale(1);
    times.warm.push(await atRest(() => app.rollback()));
    times.warmByHand.push(await hand.stopAndStart());
    times.cold.push(await atRest(() => app.rollbackTo(1)));
    times.coldByHand.push(await hand.run(1));
  }
  await hand.remove();
  app.remove();

  const result = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [`${name}Ms`, series(all)]),
  );
  console.log(HEADER);
  console.log(row("config change: call to first answer, ms", series(times.config)));
  console.log(row("by hand: docker run -e, poll until 200, ms", series(times.configByHand)));
  console.log(row("scale 1 to 4: call to all four serving, ms", series(times.scale)));
  console.log(row("by hand: three docker run at once, poll, ms", series(times.scaleByHand)));
  console.log(row("warm rollback: call to first answer, ms", series(times.warm), "aim <= 50"));
  console.log(row("by hand: docker start of the old, poll, ms", series(times.warmByHand)));
  console.log(row("cold rollback: call to first answer, ms", series(times.cold)));
  console.log(row("by hand: docker run of the old image, ms", series(times.coldByHand)));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await platform.stop();
}
