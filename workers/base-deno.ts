import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { TealError } from "../apps/errors.ts";
import type { Runtime } from "../buildpacks/plan.ts";
import type { Authority } from "./base-authority.ts";
import { addToDebian, unpackOne, versionsOf } from "./base-npm.ts";
import type { BaseImage, BaseWork } from "./bases.ts";

/** npm's package with Deno's binary for this machine. */
const PACKAGE = `@deno/linux-${process.arch}-glibc`;

/** An image with Deno from npm's registry, on the Debian base. @throws TealError build-failed */
export async function bootstrapDeno(
  runtime: Runtime,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const versions = await versionsOf(PACKAGE, "Deno", work);
  const version = semver.maxSatisfying(versions, runtime.range);
  if (version === null) throw noSuchVersion(runtime, versions);
  const layOut = async (root: string, scratch: string): Promise<void> => {
    work.say(`Fetching Deno ${version} from the npm registry`);
    const bin = join(root, "usr/local/bin");
    await mkdir(bin, { recursive: true });
    await unpackOne(`${PACKAGE}@${version}`, "package/deno", scratch, work);
    await rename(join(scratch, "package/deno"), join(bin, "deno"));
  };
  const lines = [`ENV DENO_VERSION=${version}`];
  return addToDebian({ name: "deno", version, lines, layOut }, authority, work);
}

function noSuchVersion({ range, from }: Runtime, versions: string[]): TealError {
  const lines = versions.map((version) => `${semver.major(version)}.${semver.minor(version)}`);
  const available = [...new Set(lines)].toReversed().slice(0, 10).join(", ");
  const detail = `a version of Deno in the range '${range}' was expected (${from}), and there are ${available}. Correct ${from}`;
  return new TealError("build-failed", { detail });
}
