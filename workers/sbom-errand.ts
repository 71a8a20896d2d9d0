import { TealError } from "../apps/errors.ts";
import type { Store } from "../apps/store.ts";
import type { EngineStorage } from "./engine/storage.ts";
import { describeContents, tellsContents } from "./sbom.ts";

/** What is in a release's image. @throws release-not-found, image-gone */
export async function listContents(
  {
    store,
    storage,
  }: { store: Pick<Store, "getRelease">; storage: Pick<EngineStorage, "readFiles"> },
  { app, release: n }: { app: string; release: number },
): Promise<object> {
  const release = await store.getRelease(app, n);
  if (!release) throw new TealError("release-not-found", { name: app, release: `v${n}` });
  const files = await storage.readFiles(release.image, tellsContents).catch((error: unknown) => {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    throw new TealError("image-gone", { name: app, release: `v${n}` });
  });
  return describeContents(
    { app, release: `v${n}`, image: release.image, at: release.createdAt },
    files,
  );
}
