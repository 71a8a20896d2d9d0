import { TealError } from "../apps/errors.ts";
import type { Store } from "../apps/store.ts";
import type { EngineStorage } from "./engine/storage.ts";
import { describeContents, tellsContents } from "./sbom.ts";

/** What an image says of its contents is less; it is an app's, and could say more than this process can hold. */
const MOST_BYTES = 64 * 1024 ** 2;

/** What is in a release's image. @throws release-not-found, image-gone, contents-too-large */
export async function listContents(
  {
    store,
    storage,
  }: { store: Pick<Store, "getRelease">; storage: Pick<EngineStorage, "readFiles"> },
  { app, release: n }: { app: string; release: number },
): Promise<object> {
  const release = await store.getRelease(app, n);
  if (!release) throw new TealError("release-not-found", { name: app, release: `v${n}` });
  const named = { name: app, release: `v${n}` };
  const read = storage.readFiles(release.image, tellsContents, MOST_BYTES);
  const files = await read.catch((error: unknown) => {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    throw new TealError("image-gone", named);
  });
  if (!files) throw new TealError("contents-too-large", { ...named, mib: MOST_BYTES / 1024 ** 2 });
  return describeContents(
    { app, release: `v${n}`, image: release.image, at: release.createdAt },
    files,
  );
}
