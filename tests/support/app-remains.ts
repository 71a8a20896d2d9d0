import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { searchRedis } from "./secret-search.ts";

const run = promisify(execFile);

async function docker(filter: string, format: string, ...list: string[]): Promise<string[]> {
  const { stdout } = await run("docker", [...list, "--filter", filter, "--format", format]);
  return stdout.split("\n").filter(Boolean);
}

/**
 * Everything that there is of an app: containers, networks, volumes and images, keys of Redis that
 * name it or hold its name, files and folders of the home with its name. Each by its kind and name.
 */
export async function remainsOf(
  { home, namespace }: { home: string; namespace: string },
  app: string,
): Promise<string[]> {
  const named = new RegExp(`(?<![a-z0-9])${app}(?![a-z0-9])`);
  const ours = `label=teal.platform=${namespace}`;
  const [container, network, volume, image] = await Promise.all([
    docker(ours, "{{.Names}}", "ps", "-a"),
    docker(ours, "{{.Name}}", "network", "ls"),
    docker(ours, "{{.Name}}", "volume", "ls"),
    docker(`reference=${namespace}/*`, "{{.Repository}}:{{.Tag}}", "images"),
  ]);
  const file = readdirSync(home, { recursive: true, encoding: "utf8" });
  const found = { container, network, volume, image, file };
  const inRedis = await searchRedis(
    (where, what) => (named.test(String(what)) ? [where] : []),
    join(home, "redis.sock"),
  );
  return [
    ...Object.entries(found).flatMap(([kind, names]) =>
      names.filter((name) => named.test(name)).map((name) => `${kind} ${name}`),
    ),
    ...inRedis,
  ];
}
