import type { DeployContext } from "./context.ts";

/** What the next release's environment is: the live one's, with what has been staged since. Sealed. */
export async function nextConfig({
  store,
  deploy,
}: DeployContext): Promise<Record<string, string>> {
  const app = await store.getApp(deploy.app);
  const live = app?.live && (await store.getRelease(deploy.app, app.live.release));
  const { staged } = await store.getSettings(deploy.app);
  const config = new Map(Object.entries(live?.config ?? {}));
  for (const [name, sealed] of Object.entries(staged)) {
    if (sealed === null) config.delete(name);
    else config.set(name, sealed);
  }
  return Object.fromEntries(config);
}
