import { TealError } from "../apps/errors.ts";
import type { Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";

/** The release whose image, processes and formation `release` carries: itself, or the one it went back to. */
export function originOf(release: Release): number {
  return release.rollbackOf ?? release.n;
}

/**
 * A rollback is a release too: a new number over an old image, with its processes and formation.
 * @throws release-not-found
 */
export async function reuseRelease(ctx: DeployContext): Promise<Release> {
  const { store, deploy, claim, say } = ctx;
  const n = deploy.toRelease ?? 0;
  const target = await store.getRelease(deploy.app, n);
  if (!target) throw new TealError("release-not-found", { name: deploy.app, release: `v${n}` });
  const release = await store.createRelease(claim, {
    deploy: deploy.id,
    kind: "rollback",
    commit: target.commit,
    image: target.image,
    imageBytes: target.imageBytes,
    processes: target.processes,
    formation: target.formation,
    port: target.port,
    by: deploy.by,
    why: deploy.why,
    rollbackOf: originOf(target),
  });
  say("step", `Rolling back to v${target.n}, as release v${release.n}`);
  return release;
}
