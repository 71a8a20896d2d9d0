import { TealError } from "../apps/errors.ts";
import type { Store } from "../apps/store.ts";
import type { Route } from "../router/contract.ts";
import type { DeployContext } from "./context.ts";

const LOOK_MS = 100;
/** Longer than any router's lease. */
const ACKNOWLEDGED_MS = 60_000;

/**
 * Until every router goes by the route, or is gone, and has nothing open on `ids`. One that is
 * silent is waited for until its lease ends. @throws internal when that does not come about
 */
export async function untilAcknowledged(
  { store, deploy, signal, now, pause }: DeployContext,
  { version }: Route,
  ids: string[] = [],
): Promise<void> {
  const over = now() + ACKNOWLEDGED_MS;
  for (;;) {
    const routers = (await store.routers()).filter(({ expired }) => !expired);
    const late = routers.filter(
      ({ acks, busy }) => (acks[deploy.app] ?? 0) < version || ids.some((id) => busy[id]),
    );
    if (late.length === 0) return;
    signal.throwIfAborted();
    if (now() > over) {
      const detail = `router ${late.map(({ id }) => id).join(", ")} does not acknowledge`;
      throw new TealError("internal", { detail });
    }
    await pause(LOOK_MS);
  }
}

/** Ids of the routers that are there: each is to answer, or its lease will end. */
export async function routersThere(store: Pick<Store, "routers">): Promise<string[]> {
  return (await store.routers()).filter(({ expired }) => !expired).map(({ id }) => id);
}
