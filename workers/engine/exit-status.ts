import type Docker from "dockerode";
import { retryEngine, statusOf } from "./retry.ts";

/** A container that has ended, as an event of the engine tells of it. */
interface Ended {
  /** The engine's id. */
  id: string;
  /** What the event calls `exitCode`. */
  told: string | undefined;
}

/** What the status cannot be told of: it failed in a way that nobody knows. */
const UNKNOWN = 1;

/**
 * The status that a container's process ended with. The engine mixes a container's labels, also those
 * that its image brings, into the attributes of its events, where a label wins: with one that is called
 * `exitCode`, the event says nothing, and the container's state is asked, as long as it still tells.
 */
export function createExitStatus(docker: Docker): (ended: Ended) => Promise<number> {
  return async ({ id, told }) => {
    const says = Number(told ?? 137);
    try {
      const { Config, State } = await retryEngine(() => docker.getContainer(id).inspect());
      if (!Object.hasOwn(Config.Labels ?? {}, "exitCode")) return says;
      return State.Running && !State.Restarting ? UNKNOWN : State.ExitCode;
    } catch (error) {
      if (statusOf(error) === 404) return Number.isInteger(says) ? says : UNKNOWN;
      throw error;
    }
  };
}
