import type { Crashes } from "../apps/crashes.ts";
import type { DeployLog, LogKind } from "../apps/deploy-log.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { Watches } from "../apps/watches.ts";
import type { AppNotes } from "./app-notes.ts";
import { createCheckups } from "./checkups.ts";
import { watchCrashes } from "./crash-watch.ts";
import type { createDocker } from "./engine/client.ts";
import type { Containers } from "./engine/containers.ts";
import { followExits } from "./engine/exits.ts";
import { createGuard } from "./guard.ts";
import type { Routers } from "./ports.ts";
import { createPromoter } from "./promoter.ts";
import { createWarden } from "./warden.ts";

interface Options {
  id: string;
  namespace: string;
  leaseMs: number;
  store: Store;
  watches: Watches;
  crashes: Crashes;
  routers: Routers;
  deployLog: Pick<DeployLog, "append">;
  docker: ReturnType<typeof createDocker>;
  containers: Containers;
  hostOf(app: string): string;
  notes: AppNotes;
  /** There is work for an app. */
  wake(app: string): void;
  log: Log;
}

/** All that one of the workers does beside deploys: the guard, checks, crashes. Ended by its `close`. */
export function createWatching(options: Options): { close(): Promise<void> } {
  const { id, leaseMs, store, watches, crashes, routers, log, namespace } = options;
  const { docker, containers, hostOf, notes } = options;
  const say = (deploy: string, kind: LogKind, text: string) =>
    options.deployLog.append(deploy, [{ kind, text }]);
  const guard = createGuard({
    ...{ store, watches, crashes, routers, log, wake: options.wake, now: Date.now },
    say,
  });
  const promoter = createPromoter({ store, log, say, wake: options.wake, now: Date.now });
  const checkups = createCheckups({
    ...{ store, crashes, routers, containers, hostOf, notes, log, now: Date.now },
  });
  return createWarden({
    ...{ id, leaseMs, watches, log },
    duties: [() => guard.look(), () => promoter.look(), () => checkups.look()],
    listen: (signal) =>
      watchCrashes(
        {
          ...{ store, crashes, log },
          follow: (since, until, onExit) =>
            followExits(docker, { namespace, since, signal: until }, (exit) => {
              if (!exit.runsOn) checkups.ended(exit.id);
              onExit(exit);
            }),
        },
        signal,
      ),
  });
}
