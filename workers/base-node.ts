import { mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import semver from "semver";
import type { Authority } from "./base-authority.ts";
import { buildFiles } from "./base-build.ts";
import { ensureDebian } from "./base-debian.ts";
import { NODE_PACKAGE } from "./base-node-versions.ts";
import { addToDebian, unpackOne } from "./base-npm.ts";
import type { BaseImage, BaseWork } from "./bases.ts";

/** An image with Node and npm from npm's registry, on the Debian base. @throws TealError build-failed */
export async function bootstrapNode(
  version: string,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const layOut = async (root: string, scratch: string): Promise<void> => {
    work.say(`Fetching Node ${version} from the npm registry`);
    await layOutNode(version, root, scratch, work);
  };
  const lines = [`ENV NODE_VERSION=${version}`, 'CMD ["node"]'];
  return addToDebian({ name: "node", version, lines, layOut }, authority, work);
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

async function layOutNode(
  version: string,
  root: string,
  scratch: string,
  work: BaseWork,
): Promise<void> {
  const local = join(root, "usr/local");
  await mkdir(join(local, "bin"), { recursive: true });
  await mkdir(join(local, "lib/node_modules"), { recursive: true });
  await unpackOne(`${NODE_PACKAGE}@${version}`, "package/bin/node", scratch, work);
  await rename(join(scratch, "package/bin/node"), join(local, "bin/node"));
  await unpackOne(`npm@${npmFor(version)}`, "package", scratch, work);
  await rename(join(scratch, "package"), join(local, "lib/node_modules/npm"));
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(local, "bin/npm"));
  await symlink("../lib/node_modules/npm/bin/npx-cli.js", join(local, "bin/npx"));
}

/** The line of npm that this Node was released with. */
function npmFor(version: string): string {
  return semver.major(version) >= 24 ? "11" : "10";
}
