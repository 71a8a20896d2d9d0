import { isTealError } from "../apps/errors.ts";
import type { LogKind } from "../apps/deploy-log.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { App } from "../apps/types.ts";

interface Options {
  store: Pick<Store, "listApps" | "requestDeploy" | "getDeploy" | "getRelease">;
  /** There is work for an app. */
  wake(app: string): void;
  /** A line into a deploy's log. */
  say(deploy: string, kind: LogKind, text: string): Promise<void>;
  /** ms since the epoch */
  now(): number;
  log: Pick<Log, "info" | "warn">;
}

/**
 * Promotes what has been held for as long as was asked. All that it knows is on record, and the
 * store grants each promotion once: it may be cut off, and done by several workers.
 */
export function createPromoter({ store, wake, say, now, log }: Options) {
  async function promote({ name: app, held }: App): Promise<void> {
    if (held?.promoteAt === undefined || held.promoteAt > now()) return;
    const { deploy: promoteOf, release: toRelease } = held;
    const [release, deploy] = await Promise.all([
      store.getRelease(app, toRelease),
      store.getDeploy(promoteOf),
    ]);
    if (!release || !deploy) return;
    try {
      const { id } = await store.requestDeploy({
        ...{ app, kind: "promote", toRelease, commit: release.commit, promoteOf },
        ...{ by: deploy.by, why: `v${toRelease}, held for as long as was asked` },
      });
      wake(app);
      log.info({ app, deploy: id }, "promoted by itself");
      await say(promoteOf, "step", `It was held for as long as was asked: ${id} promotes it`);
    } catch (error) {
      // Aborted or replaced meanwhile; or something newer goes first, and may replace it.
      if (!isTealError(error, "nothing-held", "promote-waits")) throw error;
    }
  }

  return {
    async look(): Promise<void> {
      for (const app of await store.listApps()) {
        await promote(app).catch((error) => {
          log.warn({ app: app.name, error: String(error) }, "a promotion put off");
        });
      }
    },
  };
}
