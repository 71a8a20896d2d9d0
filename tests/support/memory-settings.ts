import { TealError } from "../../apps/errors.ts";
import type { Store } from "../../apps/store.ts";
import type { AppSettings } from "../../apps/types.ts";
import { assertHostsFree, guard, type State } from "./memory-state.ts";

export const noSettings = (): AppSettings => ({
  staged: {},
  formation: {},
  domains: [],
  hold: false,
  options: {},
});

/** What apps are to be, in memory. */
export function createMemorySettings(
  state: State,
): Pick<Store, "getSettings" | "changeSettings" | "hostOwners"> {
  return {
    hostOwners: async (hosts) => hosts.map((host) => state.hosts.get(host) ?? null),
    async getSettings(app) {
      return structuredClone(state.apps.get(app)?.settings ?? noSettings());
    },
    async changeSettings(name, change, claim) {
      const { staged, formation, addDomains = [], removeDomains = [], hold, options } = change;
      const record = state.apps.get(name);
      if (!record) throw new TealError("app-not-found", { name });
      if (record.app.state !== "active") throw new TealError("app-destroyed", { name });
      if (claim) guard(state, claim);
      assertHostsFree(state, name, addDomains);
      const { settings, route } = record;
      for (const host of addDomains) state.hosts.set(host, name);
      const gone = removeDomains.filter((host) =>
        [...settings.domains, ...addDomains].includes(host),
      );
      for (const host of gone) if (!route?.hosts.includes(host)) state.hosts.delete(host);
      const domains = new Set(
        [...settings.domains, ...addDomains].filter((host) => !gone.includes(host)),
      );
      record.settings = {
        staged: sorted({ ...settings.staged, ...staged }),
        formation: sorted({ ...settings.formation, ...formation }),
        domains: [...domains].toSorted(),
        hold: hold ?? settings.hold,
        options: sorted(withoutNull({ ...settings.options, ...options })),
      };
      return structuredClone(record.settings);
    },
  };
}

function withoutNull<T>(record: Record<string, T | null>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== null),
  );
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
