import type { HeldColour } from "../apps/store.ts";
import type { Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";
import type { ReadyColour } from "./idle-colour.ts";

/** What the deploy leaves in the idle colour, and says how to go on. */
export async function holdColour(
  { store, effects, deploy, say, idleUrlOf }: DeployContext,
  release: Release,
  { colour, targets }: ReadyColour,
): Promise<HeldColour> {
  const held = (await store.listInstances(deploy.app)).filter(({ id }) => targets.includes(id));
  await Promise.all(held.map((instance) => effects.keepRunning(instance)));
  const app = deploy.app;
  say("step", `v${release.n} is healthy and waits in ${colour}; nothing was swapped`);
  say("info", `It answers at ${idleUrlOf(app)}`);
  say("info", `To make it live: teal promote -a ${app}. To throw it away: teal abort -a ${app}`);
  const { promoteAfter } = deploy;
  const byItself = promoteAfter === undefined ? "" : `; by itself in ${promoteAfter / 1000} s`;
  if (byItself) say("info", `Held for ${(promoteAfter ?? 0) / 1000} s, it is promoted by itself`);
  const note = `v${release.n} waits in ${colour}: 'teal promote -a ${app}' makes it live${byItself}`;
  return { deploy: deploy.id, release: release.n, colour, targets, note };
}
