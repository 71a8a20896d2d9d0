import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { TealError } from "../apps/errors.ts";
import type { Authority } from "./base-authority.ts";
import { tagOf } from "./base-build.ts";
import { runChild } from "./base-child.ts";
import { ensureDebian } from "./base-debian.ts";
import type { BaseImage, BaseWork } from "./bases.ts";
import { createContext } from "./build-context.ts";

const EVERYTHING = { ignores: () => false, skips: () => false };

/** Versions that npm's registry has of a package. @throws TealError build-failed */
export async function versionsOf(
  pkg: string,
  label: string,
  { env, signal, work }: BaseWork,
): Promise<string[]> {
  try {
    const args = ["view", pkg, "versions", "--json"];
    const versions = JSON.parse(
      await runChild("npm", args, { cwd: work, env, signal }),
    ) as string[];
    return versions.filter((version) => semver.valid(version) !== null);
  } catch (error) {
    signal.throwIfAborted();
    const detail = `the list of ${label}'s versions did not come from the npm registry (${(error as Error).message})`;
    throw new TealError("build-failed", { detail }, { cause: error });
  }
}

/** Fetches a package and unpacks `member` of it into `scratch/package`. @throws TealError build-failed */
export async function unpackOne(
  spec: string,
  member: string,
  scratch: string,
  work: BaseWork,
): Promise<void> {
  const { env, signal } = work;
  const packs = await mkdtemp(join(scratch, "pack-"));
  try {
    await rm(join(scratch, "package"), { recursive: true, force: true });
    await runChild("npm", ["pack", spec, "--ignore-scripts", "--pack-destination", packs], {
      cwd: packs,
      env,
      signal,
    });
    const [file] = await readdir(packs);
    await runChild(
      "tar",
      ["-xzf", join(packs, file ?? ""), "--no-same-owner", "-C", scratch, member],
      { cwd: scratch, env, signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw new TealError(
      "build-failed",
      {
        detail: `${spec} could not be fetched from the npm registry (${(error as Error).message})`,
      },
      { cause: error },
    );
  }
}

/** What the Debian base becomes with further files on it. */
interface Addition {
  name: "node" | "deno";
  version: string;
  /** Lines of the Dockerfile, below the files. */
  lines: string[];
  /** Lays the files out below `root`; `scratch` may be used meanwhile. */
  layOut(root: string, scratch: string): Promise<void>;
}

/** The Debian base with what came from npm's registry. @throws TealError build-failed */
export async function addToDebian(
  { name, version, lines, layOut }: Addition,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const debian = await ensureDebian(authority, work);
  const image = tagOf(name, version, authority);
  const scratch = await mkdtemp(join(work.work, `${name}-`));
  try {
    await layOut(join(scratch, "root"), scratch);
    work.say(`Building ${image}`);
    const { tar } = await createContext({
      dir: join(scratch, "root"),
      under: "root",
      files: { Dockerfile: [`FROM ${debian}`, "COPY root/ /", ...lines, ""].join("\n") },
      ignore: EVERYTHING,
    });
    await work.images.build({
      context: tar,
      dockerfile: "Dockerfile",
      tag: image,
      labels: { "teal.base": name },
      shared: true,
      signal: work.signal,
      onLine: () => {},
    });
    return { image, version, ca: authority !== null };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
