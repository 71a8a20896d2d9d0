import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import type { App, Instance, Release } from "../../apps/types.ts";
import { type Executed, executeIn } from "./execute.ts";
import { createFrames } from "./frames.ts";
import { addressIn, type Networks } from "./network.ts";
import { listContainers } from "./listed.ts";
import { idOf, makeOnce } from "./make.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { readLines } from "./read-lines.ts";
import { containerSpec, oneOffSpec } from "./spec.ts";
import type { createVolumes } from "./volumes.ts";

export interface ContainerState {
  running: boolean;
  exitCode: number;
  oomKilled: boolean;
  /** ms since the epoch */
  startedAt: number;
  /** Process id on this machine; 0 when it does not run. */
  pid: number;
  /** Addresses on its networks. */
  addresses: string[];
}

export type Containers = ReturnType<typeof createContainers>;

/** Containers by their deterministic names. Everything may be called twice. */
export function createContainers(
  docker: Docker,
  networks: Networks,
  {
    namespace,
    configOf,
    volumes,
  }: {
    namespace: string;
    configOf(release: Release): Record<string, string>;
    volumes: Pick<ReturnType<typeof createVolumes>, "ensure">;
  },
) {
  async function create(app: App, instance: Instance, release: Release): Promise<string> {
    const network = await networks.ensure(app.name);
    await volumes.ensure(release);
    const spec = containerSpec({
      namespace,
      app,
      instance,
      release,
      network,
      config: configOf(release),
    });
    return makeOnce(docker, spec);
  }

  async function start({ name }: App, { id, slot }: Instance, release: Release, made: string) {
    const network = await networks.ensure(name);
    try {
      await retryEngine(() => docker.getContainer(made).start());
    } catch (error) {
      if (statusOf(error) === 404)
        throw new TealError("instance-retired", { instance: id, state: "removed" });
      // 304: it runs already.
      if (statusOf(error) !== 304) throw error;
    }
    return { host: addressIn(network, slot), port: release.port };
  }

  async function inspect(id: string): Promise<ContainerState | null> {
    try {
      const info = await retryEngine(() => docker.getContainer(id).inspect());
      return {
        running: info.State.Running,
        exitCode: info.State.ExitCode,
        oomKilled: info.State.OOMKilled,
        startedAt: Date.parse(info.State.StartedAt),
        pid: info.State.Pid,
        addresses: Object.values(info.NetworkSettings.Networks).map((n) => n.IPAddress),
      };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  /** SIGTERM, and SIGKILL after the grace time that the container was made with. */
  async function stop(id: string): Promise<void> {
    try {
      await retryEngine(() => docker.getContainer(id).stop());
    } catch (error) {
      if (![304, 404].includes(statusOf(error) ?? 0)) throw error;
    }
  }

  /** Ends its process, by force after so many seconds, and starts it again. Nothing when it is gone. */
  async function restart(id: string, seconds: number): Promise<void> {
    try {
      await retryEngine(() => docker.getContainer(id).restart({ t: seconds }));
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }

  async function remove(id: string): Promise<void> {
    try {
      await retryEngine(() => docker.getContainer(id).remove({ force: true, v: true }));
    } catch (error) {
      // 409: its removal is already under way.
      if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
    }
  }

  async function execute(id: string, command: string[], timeoutMs: number): Promise<Executed> {
    return executeIn(docker, id, command, timeoutMs);
  }

  async function keepRunning(id: string): Promise<void> {
    await retryEngine(() =>
      docker.getContainer(id).update({ RestartPolicy: { Name: "unless-stopped" } }),
    );
  }

  /** The last lines of standard output and error. */
  async function lastLines(id: string, count: number): Promise<string[]> {
    try {
      const raw = await retryEngine(() =>
        docker.getContainer(id).logs({ stdout: true, stderr: true, tail: count, follow: false }),
      );
      return splitFrames(raw);
    } catch (error) {
      if (statusOf(error) === 404) return [];
      throw error;
    }
  }

  /** Runs `command` in a new container of the release's image; its exit code. A container of the same name from a run that was cut off is replaced. */
  async function runOnce(
    name: string,
    app: App,
    release: Release,
    command: string,
    { signal, onLine }: { signal: AbortSignal; onLine(line: string): void },
  ): Promise<number> {
    const network = await networks.ensure(app.name);
    await remove(name);
    await volumes.ensure(release);
    const config = configOf(release);
    await makeOnce(docker, oneOffSpec({ namespace, app, release, network, config, name, command }));
    const container = docker.getContainer(name);
    const kill = () => void container.kill().catch(() => {});
    signal.addEventListener("abort", kill, { once: true });
    try {
      const stream = await container.attach({ stream: true, stdout: true, stderr: true });
      const lines = readLines(stream, onLine);
      await container.start();
      if (signal.aborted) kill();
      const { StatusCode } = (await container.wait()) as { StatusCode: number };
      await lines;
      return StatusCode;
    } finally {
      signal.removeEventListener("abort", kill);
      await remove(name);
    }
  }

  const life = { create, start, inspect, stop, restart, remove, keepRunning };
  const looks = {
    idOf: (name: string) => idOf(docker, name),
    list: () => listContainers(docker, namespace),
  };
  return { ...life, ...looks, execute, lastLines, runOnce };
}

/** What both outputs have said, line by line. */
function splitFrames(raw: Buffer): string[] {
  const parts: Buffer[] = [];
  createFrames((_, payload) => parts.push(payload))(raw);
  return Buffer.concat(parts).toString("utf8").split("\n").filter(Boolean);
}
