import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { Authority } from "./base-authority.ts";
import type { BaseImage, BaseWork } from "./bases.ts";
import { proxyArguments } from "./build-env.ts";

interface BaseBuild {
  /** Of the runtime, as the image's tag and label have it. */
  name: string;
  version: string;
  /** Without what is said of authorities. */
  dockerfile: string;
  authority: Authority | null;
}

/**
 * Builds a base image of a Dockerfile alone, tagged `teal/base/NAME:VERSION`. Installing packages
 * may write the list of authorities anew: ours comes last.
 */
export async function buildBase(
  { name, version, dockerfile, authority }: BaseBuild,
  work: BaseWork,
): Promise<BaseImage> {
  const image = tagOf(name, version, authority);
  work.say(`Building ${image}`);
  const trust = authority ? "COPY ca.crt /etc/ssl/certs/ca-certificates.crt\n" : "";
  const files = {
    Dockerfile: `${dockerfile}${trust}`,
    ...(authority && { "ca.crt": authority.pem }),
  };
  await buildFiles(image, name, files, work);
  return { image, version, ca: authority !== null };
}

/** `teal/base/node:24.1.0`, or `teal/base/node:24.1.0-ca01234567`. */
export function tagOf(name: string, version: string, authority: Authority | null): string {
  return `teal/base/${name}:${version}${authority ? `-${authority.name}` : ""}`;
}

/** Builds an image of a Dockerfile and what lies beside it, for all platforms of the machine. */
export async function buildFiles(
  image: string,
  label: string,
  files: Record<string, string>,
  work: BaseWork,
): Promise<void> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  await work.images.build({
    context: Readable.from(tar, { objectMode: false }),
    dockerfile: "Dockerfile",
    tag: image,
    labels: { "teal.base": label },
    shared: true,
    buildArgs: proxyArguments(work.env),
    signal: work.signal,
    onLine: () => {},
  });
}
