import semver from "semver";
import type { Authority } from "./base-authority.ts";
import { buildBase } from "./base-build.ts";
import { chooseVersion, listVersions } from "./base-node-versions.ts";
import type { BaseImage, BaseWork } from "./bases.ts";

/** A registry that says nothing for so long is taken to be out of reach. */
const FIRST_ANSWER_MS = 8000;
const FLAVOUR = "bookworm-slim";

/** What an official image lacks: the user that apps run as, and an init where Debian's mirror has one for us. */
export const ADDITIONS = `RUN echo 'app:x:10001:10001::/app:/usr/sbin/nologin' >> /etc/passwd \\
 && echo 'app:x:10001:' >> /etc/group && mkdir -p /app && chown 10001:10001 /app
RUN (apt-get update && apt-get install -y --no-install-recommends tini ca-certificates); rm -rf /var/lib/apt/lists/*; \\
 tini --version || (printf '#!/bin/sh\\nshift\\nexec "$@"\\n' > /usr/bin/tini && chmod 755 /usr/bin/tini)
`;

/** The official Node image with our additions. @throws Error when the registry does not give one */
export async function pullNode(
  range: string,
  registry: string | null,
  authority: Authority | null,
  work: BaseWork,
): Promise<BaseImage> {
  const official = await pullOfficial(range, registry === null ? "node" : `${registry}/node`, work);
  const version = await versionOf(official, work);
  const dockerfile = `FROM ${official}\n${ADDITIONS}`;
  return buildBase({ name: "node", version, dockerfile, authority }, work);
}

/** The newest image of the range's line; where that is outside of the range, the one of the exact version. */
async function pullOfficial(range: string, repository: string, work: BaseWork): Promise<string> {
  const major = semver.intersects(range, "24.x") ? 24 : semver.minVersion(range)?.major;
  const line = `${repository}:${major}-${FLAVOUR}`;
  await pullOne(line, work);
  if (semver.satisfies(await versionOf(line, work), range)) return line;
  const version = chooseVersion(await listVersions(work), range);
  if (version === null) throw new Error(`no version of Node is in the range '${range}'`);
  const exact = `${repository}:${version}-${FLAVOUR}`;
  await pullOne(exact, work);
  return exact;
}

/** @throws Error when the registry does not give it */
export async function pullOne(image: string, work: BaseWork): Promise<void> {
  work.say(`Looking for ${image} in the registry`);
  const { signal } = work;
  await work.images.pull(image, {
    firstMs: FIRST_ANSWER_MS,
    signal,
    onLine: (text) => work.say(`  ${text}`),
  });
}

async function versionOf(image: string, work: BaseWork): Promise<string> {
  const found = await work.images.inspect(image);
  const line = found?.config.env.find((entry) => entry.startsWith("NODE_VERSION="));
  const version = line?.slice("NODE_VERSION=".length) ?? "";
  if (semver.valid(version) === null)
    throw new Error(`${image} does not say which version of Node it holds`);
  return version;
}
