import type Docker from "dockerode";
import { type OwnLabels, ownLabels } from "./labels.ts";
import { retryEngine } from "./retry.ts";

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

/** All containers of this platform's apps, one-off commands among them. */
export async function listContainers(docker: Docker, namespace: string): Promise<Listed[]> {
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

function runOf({ State, Created }: Docker.ContainerInfo, labels: OwnLabels): { run?: RunState } {
  const until = labels["teal.run-until"];
  if (until === undefined) return {};
  const fresh = State === "created" && Date.now() / 1000 - Created < FRESH_S;
  const [appId = "", by = null] = [labels["teal.app-id"], labels["teal.run-by"]];
  const kept = labels["teal.run-kept"] !== undefined;
  return { run: { appId, by, until: Number(until), kept, fresh } };
}
