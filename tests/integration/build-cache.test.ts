import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import test from "ava";
import { pack } from "tar-stream";
import { startBuilder } from "../support/builder.ts";
import { packageJson } from "../support/tree.ts";

const builder = await startBuilder();
test.after.always(() => builder.close());

/** npm's registry as far as `npm ci` needs it, on the network of builds; `downloads` has each file's name. */
async function startPackages(names: string[]) {
  const { IPAM: ipam } = await builder.docker.getNetwork("bridge").inspect();
  const host = ipam?.Config?.[0]?.["Gateway"] ?? "";
  const archives = new Map<string, Buffer>();
  for (const name of names) {
    const tar = pack();
    tar.entry({ name: "package/package.json" }, JSON.stringify({ name, version: "1.0.0" }));
    tar.finalize();
    archives.set(`/${name}/-/${name}-1.0.0.tgz`, gzipSync(await buffer(tar)));
  }
  const downloads: string[] = [];
  const server = createServer(({ url = "" }, res) => {
    const archive = archives.get(url);
    if (archive) downloads.push(url.split("/")[1] ?? "");
    res.writeHead(archive ? 200 : 404).end(archive);
  }).listen(0, host);
  await once(server, "listening");
  const registry = `http://${host}:${(server.address() as AddressInfo).port}`;
  /** What package-lock.json says of it. */
  const entry = (name: string) => {
    const path = `/${name}/-/${name}-1.0.0.tgz`;
    const hash = createHash("sha512").update(archives.get(path) ?? "");
    const integrity = `sha512-${hash.digest("base64")}`;
    return { version: "1.0.0", resolved: `${registry}${path}`, integrity };
  };
  return { registry, downloads, entry, close: () => server.close() };
}

test.serial("a changed lockfile reuses the package manager's cache", async (t) => {
  t.timeout(120_000);
  const { registry, downloads, entry, close } = await startPackages(["one", "two"]);
  t.teardown(close);
  const dir = await builder.copyOf("hello-plain");
  const install = async (...names: string[]) => {
    const dependencies = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
    const entries = names.map((name) => [`node_modules/${name}`, entry(name)]);
    const packages = {
      "": { name: "a", version: "1.0.0", dependencies },
      ...Object.fromEntries(entries),
    };
    const lock = { name: "a", version: "1.0.0", lockfileVersion: 3, requires: true, packages };
    await writeFile(join(dir, "package.json"), packageJson({ dependencies }));
    await writeFile(join(dir, "package-lock.json"), JSON.stringify(lock));
    const { lines } = await builder.build(dir);
    return lines.find((line) => /RUN npm ci.*: /.test(line)) ?? "";
  };
  await writeFile(join(dir, ".npmrc"), `registry=${registry}/\n`);
  t.regex(await install("one"), /\d s$/);
  t.deepEqual(downloads, ["one"]);
  t.regex(await install("one", "two"), /\d s$/, "the layer is made anew");
  t.deepEqual(downloads, ["one", "two"], "what was there is not fetched again");
});
