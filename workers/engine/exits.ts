import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { createExitStatus } from "./exit-status.ts";
import { readEvents } from "./streams.ts";

/** A container of the platform's that ended by itself, or lost a process to lack of memory. */
export interface Exit {
  /** ms */
  at: number;
  /** Its name. */
  id: string;
  labels: Record<string, string>;
  status: number;
  outOfMemory: boolean;
  /** It lost one of its processes and runs on. */
  runsOn: boolean;
}

interface EngineEvent {
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  timeNano: number;
}

/** How soon behind a kill for lack of memory the container itself ends, if it does. */
const DIES_WITHIN_MS = 2000;

/**
 * Tells of containers that end by themselves, those since `since` (ms) too, until the signal or
 * until the engine hangs up. What somebody stops or kills through the engine is none of them.
 */
export async function followExits(
  docker: Docker,
  { namespace, since, signal }: { namespace: string; since: number; signal: AbortSignal },
  onExit: (exit: Exit) => void,
): Promise<void> {
  const statusOf = createExitStatus(docker);
  const settle = async (exit: Exit, said: Said): Promise<void> => {
    // Without the engine's word the event's is better than none.
    const status = await statusOf(said).catch(() => exit.status);
    if (!signal.aborted) onExit({ ...exit, status });
  };
  const take = createReader((exit, said) => void settle(exit, said));
  const stream = (await docker.getEvents({
    since: Math.floor(since / 1000),
    abortSignal: signal,
    filters: {
      type: ["container"],
      event: ["start", "kill", "oom", "die", "destroy"],
      label: [`teal.platform=${namespace}`],
    },
  })) as unknown as Readable;
  await readEvents(stream, signal, (event) => take(event as unknown as EngineEvent));
}

/** What an event says of a container, word for word. */
interface Said {
  id: string;
  told: string | undefined;
}

/** Makes exits of the engine's events, which tell of one thing in several lines. */
export function createReader(
  onExit: (exit: Exit, said: Said) => void,
): (event: EngineEvent) => void {
  /** Containers that somebody kills; those that ran out of memory. */
  const killed = new Set<string>();
  const starved = new Map<string, NodeJS.Timeout>();

  function forget(id: string): void {
    killed.delete(id);
    clearTimeout(starved.get(id));
    starved.delete(id);
  }

  return ({ Action, Actor, timeNano }) => {
    const { ID, Attributes: labels } = Actor;
    if (!labels["teal.process"] || labels["teal.one-off"]) return;
    const exit = {
      at: Math.floor(timeNano / 1e6),
      id: labels["name"] ?? "",
      labels,
      status: Number(labels["exitCode"] ?? 137),
      outOfMemory: starved.has(ID),
    };
    const said = { id: ID, told: labels["exitCode"] };
    if (Action === "kill") killed.add(ID);
    if (Action === "oom" && !starved.has(ID)) {
      const alone = () => {
        starved.delete(ID);
        onExit({ ...exit, outOfMemory: true, runsOn: true }, said);
      };
      starved.set(ID, setTimeout(alone, DIES_WITHIN_MS).unref());
    }
    if (Action === "die" && !killed.has(ID)) onExit({ ...exit, runsOn: false }, said);
    if (Action === "start" || Action === "die" || Action === "destroy") forget(ID);
  };
}
