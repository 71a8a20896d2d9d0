import { isDeepStrictEqual } from "node:util";
import type { Release } from "./types.ts";

/** What a rollback may restore by itself. */
export type Part = "code" | "config";

/** Whether two releases run the same: their code, their config, or (no `part`) both. */
export function sameContent(a: Release, b: Release, part?: Part): boolean {
  const code = ({ image, commit, processes, port }: Release) => ({
    ...{ image, commit, processes, port },
  });
  const config = ({ config: values = {}, runtime = {}, mounts = [] }: Release) => ({
    ...{ values, runtime, mounts },
  });
  if (part !== "config" && !isDeepStrictEqual(code(a), code(b))) return false;
  return part === "code" || isDeepStrictEqual(config(a), config(b));
}
