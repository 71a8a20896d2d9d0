import type { AppRecord, FoundImage } from "./gc-plan.ts";

export interface BudgetFacts {
  apps: AppRecord[];
  images: Pick<FoundImage, "id" | "bytes">[];
  /** Of an image's bytes, those in layers that other images have too; by id. */
  shared: ReadonlyMap<string, number>;
  /** Bytes. */
  budget: number;
}

/**
 * The records, with the oldest releases of all apps no longer retained until the images of the others
 * fit the budget. What an app needs now stays. Layers that an app's images share count once.
 */
export function withinBudget({ apps, images, shared, budget }: BudgetFacts): AppRecord[] {
  const bytes = new Map(images.map((one) => [one.id, one.bytes]));
  const next = structuredClone(apps);
  const takes = new Map(next.map((app) => [app, bytesOf(app, bytes, shared)]));
  let total = [...takes.values()].reduce((sum, one) => sum + one, 0);
  const oldestFirst = next
    .flatMap((app) => app.releases.map((release) => ({ app, release })))
    .filter(({ release: { retained, needed } }) => retained && !needed)
    .toSorted((a, b) => a.release.createdAt - b.release.createdAt);
  for (const { app, release } of oldestFirst) {
    if (total <= budget) break;
    release.retained = false;
    release.overBudget = true;
    const now = bytesOf(app, bytes, shared);
    total += now - (takes.get(app) ?? 0);
    takes.set(app, now);
  }
  return next;
}

/** What the images of an app's retained releases take. */
function bytesOf(
  { releases }: AppRecord,
  bytes: ReadonlyMap<string, number>,
  shared: ReadonlyMap<string, number>,
): number {
  const ids = new Set(releases.filter(({ retained }) => retained).map(({ image }) => image));
  const there = [...ids].filter((id) => bytes.has(id));
  const common = Math.max(0, ...there.map((id) => shared.get(id) ?? 0));
  return there.reduce((sum, id) => sum + (bytes.get(id) ?? 0) - (shared.get(id) ?? 0), common);
}
