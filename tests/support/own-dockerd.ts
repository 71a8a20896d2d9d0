import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { createEngineClient } from "../../apps/cli/platform/engine.ts";
import { until } from "./platform.ts";

export type OwnDockerd = Awaited<ReturnType<typeof startOwnDockerd>>;

/**
 * A Docker engine beside the machine's, which a test may kill. It has a bridge of its own (one
 * without a bridge would remove the other's) and leaves the packet filter alone, so containers
 * reach nobody but this machine. `images` of the machine's engine are copied into it; `more` are
 * further options of dockerd.
 */
export async function startOwnDockerd(images: string[], more: string[] = []) {
  const dir = mkdtempSync(join(tmpdir(), "teal-engine-"));
  const host = `unix://${join(dir, "docker.sock")}`;
  const bridge = `tealt${process.pid % 100_000}`;
  execFileSync("ip", ["link", "add", bridge, "type", "bridge"]);
  execFileSync("ip", ["addr", "add", "10.215.255.1/24", "dev", bridge]);
  execFileSync("ip", ["link", "set", bridge, "up"]);
  const engine = createEngineClient(host);
  let child: ChildProcess;

  async function start(): Promise<void> {
    const log = openSync(join(dir, "dockerd.log"), "a");
    const args = [
      ...["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec"), "-H", host],
      ...["--pidfile", join(dir, "docker.pid"), "--bridge", bridge, "--live-restore"],
      ...["--iptables=false", "--ip-masq=false", "--ip-forward=false"],
      ...more,
    ];
    child = spawn("dockerd", args, { stdio: ["ignore", log, log] });
    await until(60_000, async () => (await engine.version()) !== null);
  }

  /** The engine alone: its containers run on. */
  async function kill(signal: NodeJS.Signals): Promise<void> {
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  await start();
  if (images.length > 0) await copyImages(images, host);
  return {
    host,
    start,
    kill,
    async stop(): Promise<void> {
      await kill("SIGTERM").catch(() => undefined);
      await sleep(500);
      for (const at of ["data", "exec"]) {
        for (let i = 0; i < 5 && isMounted(join(dir, at)); i++) unmountUnder(join(dir, at));
      }
      execFileSync("ip", ["link", "del", bridge]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** @throws Error when either end of the pipe fails */
async function copyImages(images: string[], host: string): Promise<void> {
  const save = spawn("docker", ["save", ...images], { stdio: ["ignore", "pipe", "inherit"] });
  const load = spawn("docker", ["-H", host, "load"], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = [save, load].map(async (child) => {
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`docker ${child.spawnargs.join(" ")} ended with ${code}`);
  });
  await Promise.all([pipeline(save.stdout, load.stdin), ...ended]);
}

const mountsUnder = (dir: string): string[] =>
  execFileSync("findmnt", ["-rno", "TARGET"], { encoding: "utf8" })
    .split("\n")
    .filter((target) => target === dir || target.startsWith(`${dir}/`));

const isMounted = (dir: string): boolean => mountsUnder(dir).length > 0;

function unmountUnder(dir: string): void {
  for (const target of mountsUnder(dir).toReversed()) execFileSync("umount", ["-l", target]);
}
