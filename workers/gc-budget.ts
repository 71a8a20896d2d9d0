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
  const oldestFirst = next
    .flatMap((app) => app.releases)
    .filter(({ retained, needed }) => retained && !needed)
    .toSorted((a, b) => a.createdAt - b.createdAt);
  for (const release of oldestFirst) {
    if (total(next, bytes, shared) <= budget) break;
    release.retained = false;
    release.overBudget = true;
  }
  return next;
}

function total(
  apps: AppRecord[],
  bytes: ReadonlyMap<string, number>,
  shared: ReadonlyMap<string, number>,
): number {
  const ofApps = apps.map(({ releases }) => {
    const ids = new Set(releases.filter(({ retained }) => retained).map(({ image }) => image));
    const there = [...ids].filter((id) => bytes.has(id));
    const own = there.map((id) => (bytes.get(id) ?? 0) - (shared.get(id) ?? 0));
    const common = Math.max(0, ...there.map((id) => shared.get(id) ?? 0));
    return own.reduce((sum, one) => sum + one, common);
  });
  return ofApps.reduce((sum, one) => sum + one, 0);
}
