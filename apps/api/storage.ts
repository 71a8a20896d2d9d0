import { z } from "zod";
import { TealError } from "../errors.ts";
import { assertUnderRoots, isHostPath, readMount, withMount } from "../mounts.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { mountSchema } from "./schemas-releases.ts";
import { deploySchema } from "./schemas.ts";

const addBody = z.strictObject({
  mount: z.string().max(500).describe("data:/data, or /srv/pictures:/pictures"),
  overlap: z.boolean().optional().describe("two versions may use it at once; has to be said"),
  processes: z
    .array(z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, "a process type such as 'worker'"))
    .max(20)
    .default([])
    .describe("mounted in these alone; without overlap they, or all, are handed over exclusively"),
});

/** What of an app outlives its containers. */
export function storageRoutes({ store, deploys, access, settings }: ApiOptions): Route[] {
  const mountsOf = async (app: string) =>
    (await store.getSettings(app)).options.storage ?? { mounts: [] };
  return [
    route({
      method: "get",
      path: "/apps/:app/storage",
      summary: "The app's volumes and host paths",
      subject: "app",
      needs: "read",
      answer: z.object({ mounts: z.array(mountSchema) }),
      handle: ({ subject }) => mountsOf(subject.name),
    }),
    route({
      method: "post",
      path: "/apps/:app/storage",
      summary: "Mount a volume, or as an admin a host path, from the next release on",
      subject: "app",
      needs: "push",
      body: addBody,
      status: 202,
      answer: z.object({ deploy: deploySchema.nullable() }),
      async handle({ subject: { name }, body, identity }) {
        const mount = readMount(body.mount);
        if (isHostPath(mount)) {
          if (!access.may(identity, "admin", name)) {
            throw new TealError("not-allowed", { who: identity.name, action: "mount host paths" });
          }
          await assertUnderRoots(mount, settings.storageRoots);
        }
        const { overlap, processes } = body;
        if (overlap === undefined)
          throw new TealError("overlap-unsaid", { mount: body.mount, name });
        if (processes.includes("release"))
          throw new TealError("handover-gap", { name, type: "release" });
        const storage = withMount(await mountsOf(name), {
          ...mount,
          ...(processes.length > 0 && { processes }),
          ...(!overlap && { exclusive: true as const }),
        });
        await store.changeSettings(name, { options: { storage } });
        const why = `storage ${mount.source}:${mount.target}`;
        return {
          deploy: await deploys.change({ app: name, kind: "config", by: identity.name, why }),
        };
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/storage/:source",
      summary: "Mount a volume or host path no more; what is in it stays",
      subject: "app",
      needs: "push",
      status: 202,
      answer: z.object({ deploy: deploySchema.nullable() }),
      async handle({ subject: { name }, params, identity }) {
        const source = decodeURIComponent(params["source"] ?? "");
        const { mounts } = await mountsOf(name);
        const left = mounts.filter((mount) => mount.source !== source);
        if (left.length === mounts.length)
          throw new TealError("storage-not-found", { name, source });
        const storage = left.length > 0 ? { mounts: left } : null;
        await store.changeSettings(name, { options: { storage } });
        const why = `storage without ${source}`;
        return {
          deploy: await deploys.change({ app: name, kind: "config", by: identity.name, why }),
        };
      },
    }),
  ];
}
