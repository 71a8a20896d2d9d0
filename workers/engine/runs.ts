import type Docker from "dockerode";
import type { App, Release } from "../../apps/types.ts";
import { attachContainer, type Attached, attachInside, type Size } from "./attached.ts";
import { ownLabels } from "./labels.ts";
import type { Networks } from "./network.ts";
import { statusOf } from "./retry.ts";
import { type RunLabels, runSpec } from "./spec.ts";
import type { createVolumes } from "./volumes.ts";

interface Wanted {
  name: string;
  app: App;
  release: Release;
  /** A line for a shell, or words that are run as they are. */
  command: string | string[];
  run: RunLabels;
}

const STOP_GRACE_S = 10;

type Terminal = Size & { tty: boolean; term: string };

export type RunEngine = ReturnType<typeof createRunEngine>;

/** Containers of commands that people ask for. */
export function createRunEngine(
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
  async function specOf(wanted: Wanted, term: string | null) {
    const network = await networks.ensure(wanted.app.name);
    await volumes.ensure(wanted.release);
    const config = configOf(wanted.release);
    return runSpec({ ...wanted, namespace, network, config, term });
  }

  return {
    async open(wanted: Wanted, terminal: Terminal): Promise<Attached> {
      const spec = await specOf(wanted, terminal.tty ? terminal.term : null);
      return attachContainer(docker, spec, terminal);
    },
    async startDetached(wanted: Wanted): Promise<void> {
      const container = await docker.createContainer(await specOf(wanted, null));
      try {
        await container.start();
      } catch (error) {
        await container.remove({ force: true, v: true }).catch(() => {});
        throw error;
      }
    },
    openInside: (id: string, command: string[], terminal: Terminal) =>
      attachInside(docker, id, command, terminal),
    /** How many of the app's there are. */
    async count(app: string): Promise<number> {
      const label = [`teal.platform=${namespace}`, `teal.app=${app}`, "teal.process=run"];
      const found = await docker.listContainers({ all: true, filters: { label } });
      return found.filter(({ Labels }) => ownLabels(Labels)["teal.run-until"]).length;
    },
    /** Null: there is no such container. */
    async exitOf(name: string): Promise<number | "running" | null> {
      try {
        const { State } = await docker.getContainer(name).inspect();
        return State.Running || State.Status === "created" ? "running" : State.ExitCode;
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    },
    async stop(name: string): Promise<void> {
      await docker
        .getContainer(name)
        .stop({ t: STOP_GRACE_S })
        .catch((error: unknown) => {
          if (![304, 404].includes(statusOf(error) ?? 0)) throw error;
        });
    },
    remove: (name: string) => docker.getContainer(name).remove({ force: true, v: true }),
  };
}
