import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { chainOf, removeWall } from "../../apps/metadata-wall.ts";

const run = promisify(execFile);

async function docker(...args: string[]): Promise<string[]> {
  const { stdout } = await run("docker", args);
  return stdout.split("\n").filter(Boolean);
}

/** Containers of a platform, by name, running or not. */
export function containersOf(namespace: string): Promise<string[]> {
  return docker(
    "ps",
    "-a",
    "--filter",
    `label=teal.platform=${namespace}`,
    "--format",
    "{{.Names}}",
  );
}

/** Those that run, by name. */
export async function runningOf(namespace: string): Promise<string[]> {
  const filter = ["--filter", `label=teal.platform=${namespace}`];
  return (await docker("ps", ...filter, "--format", "{{.Names}}")).toSorted();
}

/** Volumes of a platform's apps, by name. */
export async function volumesOf(namespace: string): Promise<string[]> {
  const filter = ["--filter", `label=teal.platform=${namespace}`];
  return docker("volume", "ls", ...filter, "--format", "{{.Name}}");
}

/** Removes every container, network, image tag and packet rule of one test platform; nothing else. */
export async function removeDockerRemains(
  namespace: string,
  { wall = true }: { wall?: boolean } = {},
): Promise<void> {
  const containers = await containersOf(namespace);
  if (containers.length > 0) await docker("rm", "-f", "-v", ...containers);
  const filter = ["--filter", `label=teal.platform=${namespace}`];
  const networks = await docker("network", "ls", ...filter, "--format", "{{.Name}}");
  if (networks.length > 0) await docker("network", "rm", ...networks);
  const volumes = await volumesOf(namespace);
  if (volumes.length > 0) await docker("volume", "rm", "-f", ...volumes);
  const images = await docker("images", "--format", "{{.Repository}}:{{.Tag}}");
  const tags = images.filter((tag) => tag.startsWith(`${namespace}/`));
  if (tags.length > 0) await docker("rmi", "-f", ...tags);
  // Where there is no packet filter there is nothing of it to remove.
  if (wall) await removeWall(chainOf(namespace)).catch(() => false);
}
