import semver from "semver";
import { TealError } from "../apps/errors.ts";
import type { BaseWork } from "./bases.ts";
import { versionsOf } from "./base-npm.ts";

/** The current long-term-support line: taken wherever a range allows it. */
const LTS = "24.x";
const OLDEST_MAJOR = 18;

/** npm's package with Node's binary for this machine. */
export const NODE_PACKAGE = `node-linux-${process.arch}`;

/** Versions of Node that npm's registry has for this machine. @throws TealError build-failed */
export async function listVersions(work: BaseWork): Promise<string[]> {
  const versions = await versionsOf(NODE_PACKAGE, "Node", work);
  return versions.filter((version) => semver.major(version) >= OLDEST_MAJOR);
}

/** The newest version in the range, from the LTS line if the range allows that; null when there is none. */
export function chooseVersion(versions: string[], range: string): string | null {
  const stable = versions.filter((version) => semver.satisfies(version, LTS));
  return (
    semver.maxSatisfying(stable, range) ??
    (mayBeLts(range) ? null : semver.maxSatisfying(versions, range))
  );
}

function mayBeLts(range: string): boolean {
  return semver.intersects(range, LTS);
}

export function noSuchVersion(
  runtime: { range: string; from: string },
  versions: string[],
): TealError {
  const newest = new Map<number, string>();
  for (const version of versions.toSorted(semver.compare))
    newest.set(semver.major(version), version);
  const available = [...newest.values()].join(", ");
  const detail = `a version of Node in the range '${runtime.range}' was expected (${runtime.from}); the newest of each line are ${available}. Correct ${runtime.from === "engines.node" ? "engines.node in package.json" : runtime.from}`;
  return new TealError("build-failed", { detail });
}
