import type { Clock } from "./clock.ts";
import type { AppState } from "./table.ts";

/**
 * Which targets fail the checks that a worker makes of them. They are passed over for those that do
 * not. What is said holds for a while only: when nobody says it again, all get requests again.
 */
export interface Asides {
  set(app: string, ids: string[], forMs: number): void;
  /** The app's targets may be others. */
  routed(app: string): void;
  forget(app: string): void;
}

interface Aside {
  ids: ReadonlySet<string>;
  until: number;
}

export function createAsides({
  clock,
  find,
}: {
  clock: Clock;
  find(app: string): AppState | undefined;
}): Asides {
  const asides = new Map<string, Aside>();
  clock.every((now) => {
    for (const [app, { until }] of asides) if (now >= until) forget(app);
  });

  function mark(name: string): void {
    const ids = asides.get(name)?.ids;
    for (const target of find(name)?.targets ?? []) target.aside = ids?.has(target.id) === true;
  }

  function forget(app: string): void {
    if (asides.delete(app)) mark(app);
  }

  return {
    set(app, ids, forMs) {
      if (ids.length === 0) return forget(app);
      asides.set(app, { ids: new Set(ids), until: clock.now() + forMs });
      mark(app);
    },
    routed(app) {
      if (asides.has(app)) mark(app);
    },
    forget,
  };
}
