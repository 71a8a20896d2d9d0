import { chown, readdir } from "node:fs/promises";
import type Docker from "dockerode";
import type { Release } from "../../apps/types.ts";
import { assertUnderRoots, isHostPath } from "../../apps/mounts.ts";
import { retryEngine, statusOf } from "./retry.ts";

/** The user of images that are built here (buildpacks/render.ts). */
const OUR_USER = "app";
const OUR_ID = "10001:10001";

/** Name of an app's volume in the engine. */
export function volumeName(namespace: string, app: string, source: string): string {
  return `${namespace}-${app}-${source}`;
}

/**
 * The volumes of apps: made once, kept until their app is destroyed with them.
 * @param roots folders of this machine that apps may be given
 */
export function createVolumes(
  docker: Docker,
  { namespace, roots }: { namespace: string; roots: string[] },
) {
  return {
    /**
     * Makes the release's volumes that are not there; a new one is its image's user's. A path of
     * this machine may lead elsewhere since it was allowed. @throws storage-not-allowed
     */
    async ensure({ app, image, mounts = [] }: Release): Promise<void> {
      for (const mount of mounts.filter(isHostPath)) await assertUnderRoots(mount, roots);
      for (const mount of mounts.filter((one) => !isHostPath(one))) {
        const Name = volumeName(namespace, app, mount.source);
        const Labels = { "teal.platform": namespace, "teal.app": app };
        // One that is there stays as it is.
        await retryEngine(() => docker.createVolume({ Name, Labels }));
        const { Mountpoint } = await retryEngine(() => docker.getVolume(Name).inspect());
        const { Config } = await retryEngine(() => docker.getImage(image).inspect());
        await giveTo(Mountpoint, Config.User);
      }
    },
    /** Of one app. */
    async removeAll(app: string): Promise<void> {
      const filters = { label: [`teal.platform=${namespace}`, `teal.app=${app}`] };
      const { Volumes } = await retryEngine(() =>
        docker.listVolumes({ filters: JSON.stringify(filters) }),
      );
      for (const { Name } of Volumes) {
        await docker
          .getVolume(Name)
          .remove()
          .catch((error: unknown) => {
            if (statusOf(error) !== 404) throw error;
          });
      }
    },
  };
}

/** An empty folder belongs to root, and the app's user could write nothing. A user's name is known in the image alone. */
async function giveTo(folder: string, user: string): Promise<void> {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(user === OUR_USER ? OUR_ID : user) ?? [];
  if (uid === undefined || (await readdir(folder).catch(() => ["?"])).length > 0) return;
  await chown(folder, Number(uid), Number(gid ?? uid));
}
