import type { Deploys } from "./deploys.ts";
import { TealError } from "./errors.ts";
import type { Store } from "./store.ts";
import type { Deploy } from "./types.ts";

/** Of all process types together: an app's network has room for three times as many. */
const MOST = 20;

interface Options {
  store: Pick<Store, "getApp" | "getRelease" | "getSettings" | "changeSettings">;
  deploys: Pick<Deploys, "change">;
}

/**
 * How many instances an app is to have. It is kept with the app, not with a release, and what is
 * live is brought to it at once; null when nothing is live yet.
 * @throws app-not-found, bad-formation
 */
export async function scaleApp(
  { store, deploys }: Options,
  wish: { app: string; formation: Record<string, number>; by: string },
): Promise<Deploy | null> {
  const { app: name, formation, by } = wish;
  const app = await store.getApp(name);
  if (!app) throw new TealError("app-not-found", { name });
  if (Object.keys(formation).length === 0) {
    const detail = "A process type and a number were expected, and none came";
    throw new TealError("bad-formation", { name, detail });
  }
  const release = app.live && (await store.getRelease(name, app.live.release));
  const known = Object.keys(release?.processes ?? {}).filter((process) => process !== "release");
  const unknown = Object.keys(formation).find((process) => release && !known.includes(process));
  if (unknown !== undefined) {
    const detail = `A process type of ${name} was expected (${known.join(", ")}), and ${unknown} came`;
    throw new TealError("bad-formation", { name, detail });
  }
  if (formation["web"] === 0) {
    const detail = "At least one web instance was expected, for somebody has to answer, and 0 came";
    throw new TealError("bad-formation", { name, detail });
  }
  const settings = await store.getSettings(name);
  const ones = Object.fromEntries(known.map((process) => [process, 1]));
  const all = { ...ones, ...settings.formation, ...formation };
  const total = Object.values(all).reduce((sum, count) => sum + count, 0);
  if (total > MOST) {
    const detail = `An app may have ${MOST} instances, and this would make ${total}`;
    throw new TealError("bad-formation", { name, detail });
  }
  await store.changeSettings(name, { formation });
  const why = Object.entries(formation).map(([process, count]) => `${process}=${count}`);
  return deploys.change({ app: name, kind: "scale", by, why: why.join(" ") });
}
