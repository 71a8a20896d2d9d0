import { setTimeout as sleep } from "node:timers/promises";
import { type Crash, type Crashes, describeCrash, LOOP } from "../apps/crashes.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { Exit } from "./engine/exits.ts";
import { nameOf } from "./names.ts";

interface Options {
  store: Pick<Store, "listInstances">;
  crashes: Crashes;
  follow(since: number, signal: AbortSignal, onExit: (exit: Exit) => void): Promise<void>;
  log: Log;
}

/** What happened while nobody watched is looked at again; to write a crash down twice is once. */
const BACK_MS = 60_000;
const AGAIN_MS = 1000;

/** Writes crashes down, for as long as the signal lets it. The engine is what starts them again. */
export async function watchCrashes(options: Options, signal: AbortSignal): Promise<void> {
  let since = Date.now() - BACK_MS;
  while (!signal.aborted) {
    try {
      await options.follow(since, signal, (exit) => {
        since = Math.max(since, exit.at);
        void note(options, exit).catch((error) => {
          options.log.warn({ instance: exit.id, error: String(error) }, "a crash was not recorded");
        });
      });
    } catch (error) {
      if (!signal.aborted) options.log.debug({ error: String(error) }, "the engine hung up");
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

/** Only of what has been healthy: before that, its deploy has a say in what its end means. */
async function note({ store, crashes, log }: Options, exit: Exit): Promise<void> {
  const app = exit.labels["teal.app"] ?? "";
  const instance = (await store.listInstances(app)).find(({ id }) => id === exit.id);
  if (!instance || (instance.state !== "healthy" && instance.state !== "live")) return;
  const crash: Crash = {
    at: exit.at,
    instance: instance.id,
    process: nameOf(instance),
    release: instance.release,
    deploy: instance.deploy,
    cause: exit.outOfMemory ? "memory" : "exit",
    status: exit.status,
    ...(exit.runsOn && { detail: "one of its processes; it runs on" }),
  };
  const says = describeCrash(crash);
  const loops = await crashes.record(app, crash);
  log.warn({ app, instance: instance.id, status: exit.status, loops }, says);
  if (loops) log.error({ app, instance: instance.id, ...LOOP }, "crash loop");
}
