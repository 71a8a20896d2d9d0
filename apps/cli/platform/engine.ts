import { request } from "node:http";
import { z } from "zod";

/** What the launcher asks of the Docker engine; the deploys' own client is in workers/engine. */
export interface EngineClient {
  /** The engine's version, or null while it does not answer. */
  version(): Promise<EngineVersion | null>;
  /** Whether it runs without root, in a network of its own; null while it does not answer. */
  rootless(): Promise<boolean | null>;
  /** How many running containers carry the label. */
  countRunning(label: string): Promise<number>;
  /** Containers that carry the label, running or not. */
  countAll(label: string): Promise<number>;
}

export interface EngineVersion {
  engine: string;
  api: string;
  /** Version of runc, when the engine tells it. */
  runc: string | null;
}

const ANSWER_MS = 5000;

const versionAnswer = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string() })).default([]),
});

/** @param dockerHost `unix://…` or `tcp://…` as in DOCKER_HOST; undefined: the usual socket */
export function createEngineClient(dockerHost: string | undefined): EngineClient {
  const where = address(dockerHost);

  async function ask(path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const req = request(
        { ...where, path, agent: false, signal: AbortSignal.timeout(ANSWER_MS) },
        (res) => {
          const parts: Buffer[] = [];
          res.on("data", (part: Buffer) => parts.push(part));
          res.once("error", reject);
          res.once("end", () => {
            try {
              const body: unknown = JSON.parse(Buffer.concat(parts).toString());
              if (res.statusCode === 200) resolve(body);
              else reject(new Error(`the engine answered ${res.statusCode}`));
            } catch (error) {
              reject(new Error("the engine's answer is no JSON", { cause: error }));
            }
          });
        },
      );
      req.once("error", reject);
      req.end();
    });
  }

  async function count(label: string, all: boolean): Promise<number> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    const path = `/containers/json?all=${all}&filters=${filters}`;
    return z.array(z.unknown()).parse(await ask(path)).length;
  }

  return {
    async version() {
      try {
        const answer = versionAnswer.parse(await ask("/version"));
        const runc = answer.Components.find((part) => part.Name === "runc")?.Version ?? null;
        return { engine: answer.Version, api: answer.ApiVersion, runc };
      } catch {
        return null;
      }
    },
    async rootless() {
      const info = await ask("/info").catch(() => null);
      const told = z.object({ SecurityOptions: z.array(z.string()).nullish() }).safeParse(info);
      return told.success ? (told.data.SecurityOptions ?? []).includes("name=rootless") : null;
    },
    countRunning: (label) => count(label, false),
    countAll: (label) => count(label, true),
  };
}

function address(dockerHost: string | undefined): {
  socketPath?: string;
  host?: string;
  port?: string;
} {
  if (dockerHost?.startsWith("unix://")) return { socketPath: dockerHost.slice("unix://".length) };
  if (dockerHost?.startsWith("tcp://")) {
    const url = new URL(dockerHost);
    return { host: url.hostname, port: url.port || "2375" };
  }
  return { socketPath: "/var/run/docker.sock" };
}
