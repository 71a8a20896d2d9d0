import { sameContent } from "../apps/content.ts";
import { TealError } from "../apps/errors.ts";
import type { App, Instance, Release, Slot } from "../apps/types.ts";
import { appOf, type DeployContext } from "./context.ts";
import { exclusiveTypes } from "./exclusive.ts";
import { formationOf, isReady, planProcess } from "./formation.ts";
import { type ReadyColour, startInstances } from "./idle-colour.ts";
import { nameOf } from "./names.ts";

/**
 * A colour that runs what `release` wants already and still answers, with as many `web` instances
 * as the app is to have: the standby for a rollback, what is held for a promotion. Null: there is none.
 * @throws nothing-held, check-failed
 */
export async function warmColour(
  ctx: DeployContext,
  release: Release,
): Promise<ReadyColour | null> {
  const { store, say } = ctx;
  const app = await appOf(ctx);
  const slot = candidate(ctx, app);
  const standsFor = slot && (await store.getRelease(app.name, slot.release));
  if (!slot || !standsFor || !sameContent(standsFor, release)) return null;
  if ((await exclusiveTypes(ctx, release)).includes("web")) return null;

  const { web: count = 1 } = formationOf(release, await store.getSettings(app.name));
  const owner = { deploy: slot.deploy, release: release.n, colour: slot.colour };
  const { keep, start } = await planProcess(ctx, owner, "web", count);
  const ready = keep.filter(isReady);
  const why = await unfitOf(ctx, ready);
  if (why !== null) {
    say("info", `What ran in ${slot.colour} is not fit (${why}); starting from the kept image`);
    return null;
  }
  say("info", `${slot.colour} is warm: swapping to it`);
  // Fewer than the app is to have by now, or left half started by an executor that died.
  const missing = [...keep.filter((instance) => !isReady(instance)), ...start];
  if (missing.length > 0) await startInstances(ctx, app, standsFor, missing);
  const targets = [...keep, ...start].map(({ id }) => id);
  return { colour: slot.colour, startedBy: slot.deploy, targets, warm: true };
}

/** Why none of what is ready is swapped to: what is wrong with the first that is not fit. */
async function unfitOf({ effects }: DeployContext, ready: Instance[]): Promise<string | null> {
  if (ready.length === 0) return "nothing of it runs";
  const found = await Promise.all(
    ready.map(async (instance) => [nameOf(instance), await effects.unfit(instance)] as const),
  );
  const [name, why] = found.find(([, it]) => it !== null) ?? ["", null];
  return why === null ? null : `${name}: ${why}`;
}

function candidate({ deploy }: DeployContext, { standby, held, name }: App): Slot | null {
  if (deploy.kind === "rollback") return standby;
  if (deploy.kind !== "promote") return null;
  if (held?.release !== deploy.toRelease) throw new TealError("nothing-held", { name });
  return held;
}
