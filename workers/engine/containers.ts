import type Docker from "dockerode";
import type { App, Instance, Release } from "../../apps/types.ts";
import { type OwnLabels, ownLabels } from "./labels.ts";
import { type Executed, executeIn } from "./execute.ts";
import { createFrames } from "./frames.ts";
import { addressIn, type Networks } from "./network.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { readLines } from "./read-lines.ts";
import { containerSpec, oneOffSpec } from "./spec.ts";
import { createVolumes } from "./volumes.ts";

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

export interface Listed {
  id: string;
  app: string;
  running: boolean;
  oneOffOf: string | null;
  /** A command that somebody asked for. */
  run?: RunState;
}

/** What a reconciler has to know of one. */
export interface RunState {
  appId: string;
  by: string | null;
  until: number;
  /** Somebody looks after it when it has ended. */
  kept: boolean;
  /** It is still to be started. */
  fresh: boolean;
}

/** Within this time a container is started after it was made. */
const FRESH_S = 60;

export type Containers = ReturnType<typeof createContainers>;

/** Containers by their deterministic names. Everything may be called twice. */
export function createContainers(
  docker: Docker,
  networks: Networks,
  {
    namespace,
    configOf,
  }: { namespace: string; configOf(release: Release): Record<string, string> },
) {
  const volumes = createVolumes(docker, namespace);

  async function create(app: App, instance: Instance, release: Release): Promise<void> {
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
    await createOnce(spec);
  }

  async function createOnce(spec: Docker.ContainerCreateOptions): Promise<void> {
    try {
      await retryEngine(() => docker.createContainer(spec));
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
    }
  }

  async function start(app: App, instance: Instance, release: Release) {
    const network = await networks.ensure(app.name);
    try {
      await retryEngine(() => docker.getContainer(instance.id).start());
    } catch (error) {
      // 304: it runs already.
      if (statusOf(error) !== 304) throw error;
    }
    return { host: addressIn(network, instance.slot), port: release.port };
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

  async function list(): Promise<Listed[]> {
    const found = await retryEngine(() =>
      docker.listContainers({
        all: true,
        filters: { label: [`teal.platform=${namespace}`, "teal.instance"] },
      }),
    );
    return found.map((info) => {
      const labels = ownLabels(info.Labels);
      return {
        id: (info.Names[0] ?? "").replace(/^\//, ""),
        app: labels["teal.app"] ?? "",
        // Between two tries of the engine's it is the engine's.
        running: info.State === "running" || info.State === "restarting",
        oneOffOf: labels["teal.one-off"] ?? null,
        ...runOf(info, labels),
      };
    });
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
    await createOnce(oneOffSpec({ namespace, app, release, network, config, name, command }));
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
  return { ...life, execute, lastLines, list, runOnce };
}

function runOf({ State, Created }: Docker.ContainerInfo, labels: OwnLabels): { run?: RunState } {
  const until = labels["teal.run-until"];
  if (until === undefined) return {};
  const fresh = State === "created" && Date.now() / 1000 - Created < FRESH_S;
  const [appId = "", by = null] = [labels["teal.app-id"], labels["teal.run-by"]];
  const kept = labels["teal.run-kept"] !== undefined;
  return { run: { appId, by, until: Number(until), kept, fresh } };
}

/** What both outputs have said, line by line. */
function splitFrames(raw: Buffer): string[] {
  const parts: Buffer[] = [];
  createFrames((_, payload) => parts.push(payload))(raw);
  return Buffer.concat(parts).toString("utf8").split("\n").filter(Boolean);
}
