import type { Crashes } from "../apps/crashes.ts";
import type { LogKind } from "../apps/deploy-log.ts";
import { isTealError } from "../apps/errors.ts";
import type { Traffic, Watch } from "../apps/guard.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { Watches } from "../apps/watches.ts";
import { routersThere } from "./acknowledged.ts";
import {
  type Finding,
  isSure,
  judge,
  LOOKS,
  type Streak,
  trafficBetween,
  trafficOf,
} from "./guard-judge.ts";
import type { Routers } from "./ports.ts";

interface Options {
  store: Pick<Store, "getRoute" | "getApp" | "getRelease" | "routers" | "requestDeploy">;
  watches: Watches;
  crashes: Pick<Crashes, "list">;
  routers: Pick<Routers, "counts">;
  /** Adds a line to a deploy's log. */
  say(deploy: string, kind: LogKind, text: string): Promise<void>;
  /** There is work for an app. */
  wake(app: string): void;
  /** ms since the epoch */
  now(): number;
  log: Log;
}

/** What was seen at earlier looks at one watch. Lost with its process: the next one begins to look anew. */
interface Memory {
  deploy: string;
  /** Answers in the first seconds, which are not judged by their time. */
  warmUp: Traffic | null;
  streak: Streak;
}

const COUNT_BOUND_MS = 500;
const WARM_UP_MS = 5000;

export interface Guard {
  /** Looks once at every release on guard. To be called about once a second, by one worker alone. */
  look(): Promise<void>;
}

/** Watches releases on guard, and has those that regress swapped back. */
export function createGuard(options: Options): Guard {
  const memories = new Map<string, Memory>();

  async function lookAt(watch: Watch): Promise<void> {
    const { app, deploy } = watch;
    const known = memories.get(app);
    const fresh: Memory = { deploy, warmUp: null, streak: { finding: null, looks: 0 } };
    const memory = known?.deploy === deploy ? known : fresh;
    memories.set(app, memory);
    const route = await options.store.getRoute(app);
    if (route?.deploy !== deploy) return end(options, watch, "moot", "another release is live");

    const finding = await findRegression(options, watch, memory);
    const sure = isSure(memory.streak, finding);
    if (finding && sure) return swapBack(options, watch, finding);
    // One that is about to be told for certain may be late by the looks that it takes.
    const patience = finding ? LOOKS * 1000 : 0;
    if (options.now() >= watch.until + patience)
      await end(options, watch, "passed", "nothing regressed");
  }

  return {
    async look() {
      const open = await options.watches.watching();
      for (const app of memories.keys()) {
        if (!open.some((watch) => watch.app === app)) memories.delete(app);
      }
      await Promise.all(
        open.map((watch) =>
          lookAt(watch).catch((error) => {
            options.log.warn({ app: watch.app, error: String(error) }, "a look on guard put off");
          }),
        ),
      );
    },
  };
}

async function findRegression(
  { store, routers, crashes, now }: Options,
  watch: Watch,
  memory: Memory,
): Promise<Finding | null> {
  const { app, release, since: began, before, recent, crashesBefore } = watch;
  const ids = await routersThere(store);
  const counts = await routers.counts(app, ids, COUNT_BOUND_MS);
  const since = trafficOf(counts.values(), release);
  const elapsedMs = now() - began;
  if (elapsedMs >= WARM_UP_MS) memory.warmUp ??= since;
  const slots = await runningDeploys(store, app);
  const crashed = (await crashes.list(app, began)).filter((it) => slots.includes(it.deploy));
  const evidence = {
    ...{ before, recent, since, crashesBefore, elapsedMs },
    settled: trafficBetween(memory.warmUp ?? since, since),
    crashes: crashed.length,
  };
  return judge(evidence, watch.limits);
}

/** The deploys whose instances are the live colour: `web` may have been started by an earlier one. */
async function runningDeploys(
  store: Options["store"],
  app: string,
): Promise<(string | undefined)[]> {
  const [known, route] = await Promise.all([store.getApp(app), store.getRoute(app)]);
  return [known?.live?.deploy, route?.deploy];
}

/** Nothing of a rollback is done here: it is asked for, like any other deploy. */
async function swapBack(options: Options, watch: Watch, { says }: Finding): Promise<void> {
  const { app, deploy, against, release } = watch;
  const target = await options.store.getRelease(app, against);
  if (!target) return end(options, watch, "moot", `v${against} is kept no more`);
  const why = `v${release} did worse than v${against}: ${says}`;
  try {
    const back = await options.store.requestDeploy({
      ...{ app, kind: "rollback", toRelease: against, commit: target.commit },
      ...{ by: "guard", why, guardOf: deploy },
    });
    options.log.warn({ app, deploy, back: back.id, says }, "guard: swapping back");
    await options.say(deploy, "warn", `Guard: ${why}. Swapping back with ${back.id}`);
    await end(options, watch, "tripped", says);
    options.wake(app);
  } catch (error) {
    if (isTealError(error, "guard-moot")) return end(options, watch, "moot", error.says);
    // Looked at again when what is newer has ended, however long that takes.
    if (!isTealError(error, "guard-waits")) throw error;
  }
}

async function end(
  { watches, now }: Options,
  watch: Watch,
  state: Watch["state"],
  why: string,
): Promise<void> {
  await watches.close({ ...watch, state, why, endedAt: now() });
}
