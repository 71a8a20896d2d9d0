import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { extract } from "tar-stream";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

interface Login {
  /** `USER:PASSWORD` */
  pair: string;
  /** Where it says that tokens are made; its own address when absent. */
  realm?: string;
}

/** An image registry on loopback with one image of this machine in it, under any name and `tag`. */
export async function startRegistry(docker: Docker, image: string, tag: string, login?: Login) {
  const blobs = new Map<string, Buffer>();
  const put = (data: Buffer): { digest: string; size: number } => {
    const digest = `sha256:${createHash("sha256").update(data).digest("hex")}`;
    blobs.set(digest, data);
    return { digest, size: data.length };
  };
  /** Takes an image in; gives its manifest's digest. */
  const load = async (name: string): Promise<string> => {
    const saved = await readSaved((await docker.getImage(name).get()) as unknown as Readable);
    const [{ Config, Layers }] = JSON.parse(saved.get("manifest.json")?.toString() ?? "[]");
    return put(
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
    ).digest;
  };
  let served = await load(image);

  const asked: string[] = [];
  const token = randomBytes(12).toString("hex");
  /** What came with requests, by path. */
  const authorizations: [path: string, value: string][] = [];
  const server = createServer((request, response) => {
    const { authorization = "" } = request.headers;
    if (authorization) authorizations.push([request.url ?? "", authorization]);
    if (login && request.url?.startsWith("/token")) {
      const good = authorization === `Basic ${Buffer.from(login.pair).toString("base64")}`;
      return response.writeHead(good ? 200 : 401).end(JSON.stringify({ token }));
    }
    if (login && authorization !== `Bearer ${token}`) {
      const realm = login.realm ?? `http://${request.headers.host}/token`;
      const challenge = `Bearer realm="${realm}",service="test"`;
      return response.writeHead(401, { "www-authenticate": challenge }).end("{}");
    }
    const [, kind, ref = ""] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    if (kind === undefined) return response.end("{}");
    asked.push(ref);
    const digest = kind === "manifests" && ref === tag ? served : ref;
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
    authorizations,
    /** Moves the tag to another image. */
    move: async (name: string): Promise<void> => {
      served = await load(name);
    },
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
