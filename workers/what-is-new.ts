import { isDeepStrictEqual } from "node:util";
import { HANDOVERS, type ProcessRuntime, type Runtime } from "../apps/runtime.ts";
import type { Release } from "../apps/types.ts";

type Settings = Pick<Release, "config" | "runtime" | "mounts">;

/** What a release without new code has otherwise than the live one: "New limits and storage". */
export function whatIsNew(next: Settings, live: Settings): string {
  const parts = {
    config: [next.config ?? {}, live.config ?? {}],
    limits: [limitsOf(next.runtime), limitsOf(live.runtime)],
    handover: [handoversOf(next.runtime), handoversOf(live.runtime)],
    storage: [next.mounts ?? [], live.mounts ?? []],
  };
  const changed = Object.entries(parts).flatMap(([name, [now, before]]) =>
    isDeepStrictEqual(now, before) ? [] : [name],
  );
  if (changed.length === 0) return "Config as before";
  const last = changed.pop() ?? "";
  return `New ${changed.length > 0 ? `${changed.join(", ")} and ${last}` : last}`;
}

function limitsOf(runtime: Runtime = {}) {
  const limits = Object.entries(runtime).map(([type, told]): [string, ProcessRuntime] => {
    const rest = { ...told };
    delete rest.handover;
    return [type, rest];
  });
  return Object.fromEntries(limits.filter(([, rest]) => Object.keys(rest).length > 0));
}

const [DEFAULT] = HANDOVERS;

function handoversOf(runtime: Runtime = {}) {
  const said = Object.entries(runtime).map(([type, { handover = DEFAULT }]) => [type, handover]);
  return Object.fromEntries(said.filter(([, handover]) => handover !== DEFAULT));
}
