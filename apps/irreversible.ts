import type { AppOptions } from "./options.ts";
import type { Release } from "./types.ts";

type Marks = Pick<AppOptions, "irreversible" | "reversible">;

/** Whether older code no longer works after a release: what people said of it last, else what it says itself. */
export function isIrreversible(
  { irreversible = [], reversible = [] }: Marks,
  { n, irreversible: own }: Pick<Release, "n" | "irreversible">,
): boolean {
  return irreversible.includes(n) || (own === true && !reversible.includes(n));
}

/** The parts of the options that say so of a release from now on. */
export function markRelease(marks: Marks, n: number, irreversible: boolean) {
  const change = (list: number[] = [], has: boolean) => {
    const others = list.filter((one) => one !== n);
    const changed = has ? [...others, n].toSorted((a, b) => a - b) : others;
    return changed.length > 0 ? changed : null;
  };
  return {
    irreversible: change(marks.irreversible, irreversible),
    reversible: change(marks.reversible, !irreversible),
  };
}
