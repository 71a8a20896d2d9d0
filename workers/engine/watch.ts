import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { Colour } from "../../apps/types.ts";
import type { Logged } from "../../apps/app-log-files.ts";
import { createExitStatus } from "./exit-status.ts";
import { ownLabels } from "./labels.ts";
import { readEvents } from "./streams.ts";
import { statusOf } from "./retry.ts";

/** A container whose output is kept. */
export interface LoggedContainer extends Logged {
  id: string;
  app: string;
  running: boolean;
  /** It was never started. */
  fresh: boolean;
}

/** What happened to one. */
export interface ContainerEvent {
  action: "start" | "die" | "oom" | "kill";
  container: LoggedContainer;
  exitCode: number;
}

const AGAIN_MS = 500;

/** Containers of this platform whose output is kept: all but those that somebody is attached to. */
export function createWatch(docker: Docker, namespace: string) {
  const label = [`teal.platform=${namespace}`, "teal.instance"];
  const exitStatus = createExitStatus(docker);

  async function readEvent({ Action, Actor }: RawEvent): Promise<ContainerEvent | null> {
    const { ID, Attributes: attributes } = Actor;
    const running = Action !== "die";
    const container = read(attributes["name"] ?? "", attributes, { running, fresh: false });
    if (!container || running) return container && { action: Action, container, exitCode: 0 };
    const told = attributes["exitCode"];
    const exitCode = await exitStatus({ id: ID, told }).catch(() => Number(told ?? 0));
    return { action: Action, container, exitCode };
  }

  return {
    async list(): Promise<LoggedContainer[]> {
      const found = await docker.listContainers({ all: true, filters: { label } });
      return found.flatMap(({ Names, Labels, State }) => {
        const state = { running: State === "running", fresh: State === "created" };
        return read((Names[0] ?? "").slice(1), Labels, state) ?? [];
      });
    },
    /** Null when there is none of that name. */
    async find(id: string): Promise<LoggedContainer | null> {
      try {
        const { Config, State } = await docker.getContainer(id).inspect();
        const state = { running: State.Running, fresh: State.Status === "created" };
        return read(id, Config.Labels, state);
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    },
    /** Calls back for all that happens until the signal; `connected` after each time that events may have been missed. */
    async events(
      signal: AbortSignal,
      { event, connected }: { event(it: ContainerEvent): void; connected(): void },
    ): Promise<void> {
      const actions = ["start", "die", "oom", "kill"];
      const filters = JSON.stringify({ type: ["container"], event: actions, label });
      while (!signal.aborted) {
        try {
          const how = { filters, abortSignal: signal } as Docker.GetEventsOptions;
          const stream: unknown = await docker.getEvents(how);
          connected();
          // One after the other, in their order.
          let before = Promise.resolve();
          await readEvents(stream as Readable, signal, (raw) => {
            before = before
              .then(async () => {
                const found = await readEvent(raw as unknown as RawEvent);
                if (found && !signal.aborted) event(found);
              })
              // One that nobody can make sense of does not hide those behind it.
              .catch(() => {});
          });
        } catch {
          // The engine restarts; what was missed is seen by the next look at what there is.
        }
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}

interface RawEvent {
  Action: ContainerEvent["action"];
  Actor: { ID: string; Attributes: Record<string, string> };
}

function read(
  id: string,
  all: Record<string, string>,
  state: { running: boolean; fresh: boolean },
): LoggedContainer | null {
  const labels = ownLabels(all);
  const { "teal.app": app, "teal.process": process, "teal.deploy": deploy } = labels;
  const release = Number(labels["teal.release"]?.slice(1));
  const index = labels["teal.index"] ?? /-(\d+)$/.exec(id)?.[1];
  if (labels["teal.one-off"] || labels["teal.run-by"]) return null;
  if (!app || !process || !deploy || !index || !release) return null;
  const colour = labels["teal.colour"] as Colour | undefined;
  return { id, app, process, deploy, index, release, ...(colour && { colour }), ...state };
}
