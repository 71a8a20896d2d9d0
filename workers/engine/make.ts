import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { retryEngine, statusOf } from "./retry.ts";

const AGAIN_MS = 250;
const TRIES = 40;

/**
 * A container by its name, made now or there already; the engine's own id of it. One that is being
 * removed is waited for, ten seconds at most.
 */
export async function makeOnce(
  docker: Docker,
  spec: Docker.ContainerCreateOptions,
): Promise<string> {
  for (let tried = 1; ; tried++) {
    try {
      return (await retryEngine(() => docker.createContainer(spec))).id;
    } catch (error) {
      if (statusOf(error) !== 409 || tried === TRIES) throw error;
    }
    const there = await lookUp(docker, spec.name ?? "");
    if (there && !there.goes) return there.id;
    await sleep(AGAIN_MS);
  }
}

/** The engine's own id of what has this name now; null: nothing, or what is being removed. */
export async function idOf(docker: Docker, name: string): Promise<string | null> {
  const there = await lookUp(docker, name);
  return there && !there.goes ? there.id : null;
}

async function lookUp(docker: Docker, name: string): Promise<{ id: string; goes: boolean } | null> {
  try {
    const { Id, State } = await retryEngine(() => docker.getContainer(name).inspect());
    return { id: Id, goes: State.Status === "removing" || State.Dead };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}
