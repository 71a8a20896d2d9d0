import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FINAL_STATES } from "../../types.ts";
import type { Platform } from "./environment.ts";
import { PlatformError } from "./failure.ts";
import { localHost } from "./ports.ts";
import { poll } from "./poll.ts";

const slot = z.object({ colour: z.enum(["blue", "green"]), release: z.number() }).nullable();
const appAnswer = z.object({
  url: z.string(),
  live: slot,
  lastDeploy: z.object({ id: z.string() }).nullable(),
});
const deployAnswer = z.object({
  id: z.string(),
  state: z.string(),
  error: z.string().optional(),
  release: z.number().optional(),
});
const rollbackAnswer = z.object({ deploy: deployAnswer });
const errorAnswer = z.object({ error: z.object({ message: z.string() }) });

/** What the demo asks of the platform's API. */
export interface ApiClient {
  /** Where the API, and git over HTTP, answer. */
  url: string;
  /** Value of an Authorization header with the admin token. */
  authorization: string;
  /** Null when there is no such app. */
  getApp(name: string): Promise<z.infer<typeof appAnswer> | null>;
  rollback(name: string): Promise<z.infer<typeof deployAnswer>>;
  /** @throws PlatformError when it does not go live within `timeoutMs` */
  waitUntilLive(deploy: string, timeoutMs: number): Promise<void>;
}

/** @throws PlatformError when the admin token cannot be read */
export async function createApiClient({ settings }: Platform): Promise<ApiClient> {
  const url = `http://${localHost(settings)}:${settings.apiPort}`;
  const token = (
    await readFile(settings.paths.adminToken, "utf8").catch(() => {
      throw new PlatformError(`The admin token was not found in ${settings.paths.adminToken}.`);
    })
  ).trim();
  const authorization = `Basic ${Buffer.from(`teal:${token}`).toString("base64")}`;

  async function ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(30_000),
    });
    const body: unknown = await answer.json().catch(() => null);
    if (!answer.ok && answer.status !== 404) {
      const said = errorAnswer.safeParse(body).data?.error.message ?? `status ${answer.status}`;
      throw new PlatformError(`The API did not do ${path}: ${said}`);
    }
    return { status: answer.status, body };
  }

  return {
    url,
    authorization,
    async getApp(name) {
      const { status, body } = await ask(`/apps/${name}`);
      return status === 404 ? null : appAnswer.parse(body);
    },
    async rollback(name) {
      const { body } = await ask(`/apps/${name}/rollback`, { method: "POST", body: "{}" });
      return rollbackAnswer.parse(body).deploy;
    },
    async waitUntilLive(id, timeoutMs) {
      let state = "";
      let error = "";
      await poll(async () => {
        const deploy = deployAnswer.parse((await ask(`/deploys/${id}`)).body);
        state = deploy.state;
        error = deploy.error ?? "";
        return FINAL_STATES.some((final) => final === state);
      }, timeoutMs);
      if (state !== "live") throw new PlatformError(`Deploy ${id} is ${state}: ${error}`);
    },
  };
}
