import { openConfig, type Secrets } from "./secrets.ts";
import type { Release } from "./types.ts";

export interface Change<T> {
  from: T | null;
  to: T | null;
}

/** What changed from one release to another. Config by its names alone. */
export interface ReleaseDiff {
  from: number;
  to: number;
  commit: Change<string> | null;
  imageBytes: Change<number> | null;
  config: { added: string[]; removed: string[]; changed: string[] };
  processes: Record<string, Change<string>>;
  formation: Record<string, Change<number>>;
  /** Null: one of them is so old that it does not know its domains. */
  domains: { added: string[]; removed: string[] } | null;
}

/** Values of config are compared, and only names told. */
export function diffReleases(secrets: Secrets, from: Release, to: Release): ReleaseDiff {
  const [before, after] = [openConfig(secrets, from), openConfig(secrets, to)];
  const inBoth = Object.keys(before).filter((name) => Object.hasOwn(after, name));
  return {
    from: from.n,
    to: to.n,
    commit: change(from.commit, to.commit),
    imageBytes: from.image === to.image ? null : { from: from.imageBytes, to: to.imageBytes },
    config: {
      added: Object.keys(after).filter((name) => !Object.hasOwn(before, name)),
      removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
      changed: inBoth.filter((name) => before[name] !== after[name]),
    },
    processes: changes(from.processes, to.processes),
    formation: changes(from.formation, to.formation),
    domains: from.domains && to.domains ? difference(from.domains, to.domains) : null,
  };
}

function difference(from: string[], to: string[]) {
  return {
    added: to.filter((one) => !from.includes(one)),
    removed: from.filter((one) => !to.includes(one)),
  };
}

function change<T>(from: T | null, to: T | null): Change<T> | null {
  return from === to ? null : { from, to };
}

function changes<T>(from: Record<string, T>, to: Record<string, T>): Record<string, Change<T>> {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const one = change(own(from, name), own(to, name));
      return one ? [[name, one]] : [];
    }),
  );
}

function own<T>(record: Record<string, T>, name: string): T | null {
  return Object.hasOwn(record, name) ? (record[name] as T) : null;
}
