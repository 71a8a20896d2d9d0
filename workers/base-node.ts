import { mkdir, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import { TealError } from "../apps/errors.ts";
import type { Authority } from "./base-authority.ts";
import { buildFiles, tagOf } from "./base-build.ts";
import { runChild } from "./base-child.ts";
import { ensureDebian } from "./base-debian.ts";
import { NODE_PACKAGE } from "./base-node-versions.ts";
import type { BaseImage, BaseWork } from "./bases.ts";
import { createContext } from "./build-context.ts";

const EVERYTHING = { ignores: () => false, skips: () => false };

/** An image with Node and npm from npm's registry, on the Debian base. @throws TealError build-failed */
export async function bootstrapNode(
  version: string,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const debian = await ensureDebian(authority, work);
  const image = tagOf("node", version, authority);
  const scratch = await mkdtemp(join(work.work, "node-"));
  try {
    work.say(`Fetching Node ${version} from the npm registry`);
    await layOut(version, scratch, work);
    work.say(`Building ${image}`);
    const dockerfile = `FROM ${debian}\nCOPY root/ /\nENV NODE_VERSION=${version}\nCMD ["node"]\n`;
    const { tar } = await createContext({
      dir: join(scratch, "root"),
      under: "root",
      files: { Dockerfile: dockerfile },
      ignore: EVERYTHING,
    });
    await work.images.build({
      context: tar,
      dockerfile: "Dockerfile",
      tag: image,
      labels: { "teal.base": "node" },
      shared: true,
      signal: work.signal,
      onLine: () => {},
    });
    return { image, version, ca: authority !== null };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What an image to run on is called, by the one to build with. */
export function runTag(image: string): string {
  return image.replace("teal/base/node:", "teal/base/node-run:");
}

/**
 * The smaller image that apps run on: Node without the symbols that are for debuggers alone, npm
 * without its manuals. Where Debian's mirror does not answer, Node stays as it is.
 */
export async function runNode(
  full: BaseImage,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const debian = await ensureDebian(authority, work);
  const image = runTag(full.image);
  work.say(`Building ${image}`);
  const strip = "apt-get install -y --no-install-recommends binutils && strip /usr/local/bin/node";
  const dockerfile = `FROM ${full.image} AS full
RUN (apt-get update && ${strip}) || true
RUN cd /usr/local/lib/node_modules/npm && rm -rf docs man
FROM ${debian}
COPY --from=full /usr/local/bin/ /usr/local/bin/
COPY --from=full /usr/local/lib/ /usr/local/lib/
ENV NODE_VERSION=${full.version}
CMD ["node"]
`;
  await buildFiles(image, "node-run", { Dockerfile: dockerfile }, work);
  return { ...full, image };
}

/** Leaves under `scratch/root` what goes on top of the base. */
async function layOut(version: string, scratch: string, work: BaseWork): Promise<void> {
  const local = join(scratch, "root/usr/local");
  await mkdir(join(local, "bin"), { recursive: true });
  await mkdir(join(local, "lib/node_modules"), { recursive: true });
  await unpack(`${NODE_PACKAGE}@${version}`, "package/bin/node", scratch, work);
  await rename(join(scratch, "package/bin/node"), join(local, "bin/node"));
  await unpack(`npm@${npmFor(version)}`, "package", scratch, work);
  await rename(join(scratch, "package"), join(local, "lib/node_modules/npm"));
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
  await symlink("../lib/node_modules/npm/bin/npx-cli.js", join(local, "bin/npx"));
}

/** The line of npm that this Node was released with. */
function npmFor(version: string): string {
  return semver.major(version) >= 24 ? "11" : "10";
}

/** Fetches a package and unpacks `member` of it into `scratch/package`. */
async function unpack(
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
