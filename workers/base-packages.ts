import semver from "semver";
import { TealError } from "../apps/errors.ts";
import type { Runtime } from "../buildpacks/plan.ts";
import { isNode, type PackagedName, RUNTIMES, type RuntimeKind } from "../buildpacks/runtimes.ts";
import { anyOf } from "../buildpacks/versions.ts";
import type { Authority } from "./base-authority.ts";
import { buildBase } from "./base-build.ts";
import { ensureDebian } from "./base-debian.ts";
import { ADDITIONS, pullOne } from "./base-registry.ts";
import type { BaseImage, BaseWork } from "./bases.ts";

/** Every runtime but Node, which comes from npm's registry. */
export type PackagedRuntime = Runtime & { name: PackagedName };

export function isPackaged(runtime: Runtime): runtime is PackagedRuntime {
  return !isNode(runtime.name);
}

/** True when what is tagged `version` (a version, or a line such as "3.12") is in the range. */
export function fits(version: string, range: string): boolean {
  if (semver.valid(range) !== null) return semver.valid(version) === semver.valid(range);
  return semver.intersects(anyOf(version), range);
}

/** The official image with our additions. @throws Error when the registry does not give one */
export async function pullRuntime(
  runtime: PackagedRuntime,
  registry: string | null,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const kind = RUNTIMES[runtime.name];
  const version = officialVersion(kind, runtime.range);
  if (kind.official === null) throw new Error(`there is no official image of ${kind.label}`);
  const { image, tag } = kind.official;
  const elsewhere = /^[^/.]+\.[^/]+\//.test(image);
  const repository = registry === null || elsewhere ? image : `${registry}/${image}`;
  const official = `${repository}:${tag.replace("{v}", version)}`;
  await pullOne(official, work);
  const dockerfile = `FROM ${official}\nUSER root\n${ADDITIONS}`;
  return buildBase({ name: runtime.name, version, dockerfile, authority }, work);
}

/** An image with Debian's packages of a runtime. @throws TealError build-failed */
export async function bootstrapRuntime(
  runtime: PackagedRuntime,
  authority: Authority | null,
  work: BaseWork,
  registryFailure: string | null,
): Promise<BaseImage> {
  const { debian } = RUNTIMES[runtime.name];
  if (debian === null || !fits(debian.version, runtime.range))
    throw noneOfDebian(runtime, registryFailure);
  const image = await ensureDebian(authority, work);
  const { version, packages } = debian;
  if (packages.length === 0) return { image, version, ca: authority !== null };
  work.say(
    `Installing Debian's packages of ${RUNTIMES[runtime.name].label} ${version}, once per machine`,
  );
  // Java's packages want a folder for manual pages, though nothing is kept in it.
  const install = `RUN mkdir -p /usr/share/man/man1 && apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages.join(" ")} \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /usr/share/doc/* /usr/share/man/*
`;
  const dockerfile = `FROM ${image}\n${install}`;
  return buildBase({ name: runtime.name, version, dockerfile, authority }, work);
}

/** An exact version as it is; else the newest known line in the range, else the line that it begins with. */
function officialVersion({ lines, official }: RuntimeKind, range: string): string {
  if (!official?.tag.includes("{v}")) return lines[0] ?? "";
  if (semver.valid(range) !== null) return range;
  const known = lines.find((line) => semver.intersects(anyOf(line), range));
  if (known !== undefined) return known;
  const first = semver.minVersion(range);
  const parts = (lines[0] ?? "").split(".").length;
  return [first?.major, first?.minor].slice(0, parts).join(".");
}

function noneOfDebian(runtime: PackagedRuntime, registryFailure: string | null): TealError {
  const { label, debian } = RUNTIMES[runtime.name];
  const wanted = runtime.range === "*" ? label : `${label} ${runtime.range} (${runtime.from})`;
  const here = debian
    ? `Debian's packages have ${label} ${debian.version} alone; ask for that`
    : `Debian has no packages of ${label}`;
  const registry = registryFailure
    ? `, and the image registry gave nothing (${registryFailure})`
    : "";
  const detail = `${wanted} was expected; ${here}${registry}, or make an image registry reachable (TEAL_REGISTRY, TEAL_BASE)`;
  return new TealError("build-failed", { detail });
}
