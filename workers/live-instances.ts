import type { Store } from "../apps/store.ts";
import type { App, Instance } from "../apps/types.ts";

/** The instances of the app's live colour that are to run now: all but those that were told to stop. */
export async function liveInstances(
  store: Pick<Store, "getRoute" | "getSettings" | "listInstances">,
  { name }: Pick<App, "name">,
): Promise<Instance[]> {
  const route = await store.getRoute(name);
  const { options } = await store.getSettings(name);
  const { stopped, restsMs } = route?.policy ?? {};
  if (!route || options.stopped || stopped || restsMs !== undefined) return [];
  const routed = new Set(route.targets.map(({ id }) => id));
  return (await store.listInstances(name)).filter((one) =>
    one.process === "web"
      ? routed.has(one.id)
      : one.deploy === route.deploy && one.state === "healthy",
  );
}
