import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { extract } from "tar-stream";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** An image registry on loopback with one image of this machine in it, under any name and `tag`. */
export async function startRegistry(docker: Docker, image: string, tag: string) {
  const blobs = new Map<string, Buffer>();
  const put = (data: Buffer): { digest: string; size: number } => {
    const digest = `sha256:${createHash("sha256").update(data).digest("hex")}`;
    blobs.set(digest, data);
    return { digest, size: data.length };
  };
  const saved = await readSaved((await docker.getImage(image).get()) as unknown as Readable);
  const [{ Config, Layers }] = JSON.parse(saved.get("manifest.json")?.toString() ?? "[]");
  const manifest = put(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: {
          mediaType: "application/vnd.docker.container.image.v1+json",
          ...put(saved.get(Config)!),
        },
        layers: Layers.map((path: string) => ({
          mediaType: "application/vnd.docker.image.rootfs.diff.tar",
          ...put(saved.get(path)!),
        })),
      }),
    ),
  );

  const asked: string[] = [];
  const server = createServer((request, response) => {
    const [, kind, ref = ""] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    if (kind === undefined) return response.end("{}");
    asked.push(ref);
    const digest = kind === "manifests" && ref === tag ? manifest.digest : ref;
    const data = blobs.get(digest);
    if (!data)
      return response
        .writeHead(404)
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    const type = kind === "manifests" ? MANIFEST : "application/octet-stream";
    response.writeHead(200, {
      "content-type": type,
      "content-length": data.length,
      "docker-content-digest": digest,
    });
    return request.method === "HEAD" ? response.end() : response.end(data);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async (): Promise<void> => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readSaved(tar: Readable): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const links: [string, string][] = [];
  for await (const entry of tar.pipe(extract())) {
    const { name, type, linkname } = entry.header;
    if (type === "symlink" && linkname)
      links.push([name, new URL(linkname, `file:///${name}`).pathname.slice(1)]);
    files.set(name, await buffer(entry));
  }
  for (const [name, target] of links) files.set(name, files.get(target)!);
  return files;
}
