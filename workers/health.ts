import { connect } from "node:net";
import type { HealthCheck } from "../apps/checks.ts";
import type { Instance } from "../apps/types.ts";
import type { ContainerState } from "./engine/containers.ts";
import type { Executed } from "./engine/execute.ts";
import { type Answer, probe } from "./probe.ts";

/** What a check is made with. */
export interface Prober {
  containers: {
    inspect(id: string): Promise<ContainerState | null>;
    execute(id: string, command: string[], timeoutMs: number): Promise<Executed>;
  };
  /** Host header for requests. */
  hostHeader: string;
}

export interface Attempt {
  healthy: boolean;
  /** What was found, in a few words. */
  text: string;
}

/** Of a body, what is looked through for what the app says is in it, and what is shown of it. */
const CONTENT_CHARS = 64 * 1024;
const EXCERPT_CHARS = 300;

/** One look at an instance, from outside but for a command. Never throws for what it finds. */
export async function attempt(
  instance: Instance,
  check: HealthCheck | undefined,
  prober: Prober,
  timeoutMs: number,
): Promise<Attempt> {
  try {
    if (check?.command) return await tryCommand(instance, check.command, prober, timeoutMs);
    if (check?.uptimeMs !== undefined) return await tryUptime(instance, check.uptimeMs, prober);
    if (check?.listening) return await tryPort(portOf(instance, check), timeoutMs);
    return await tryHttp(instance, check, prober, timeoutMs);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { healthy: false, text: code === "ECONNREFUSED" ? "connection refused" : message };
  }
}

function portOf({ host = "", port = 0 }: Instance, check: HealthCheck | undefined) {
  return { host, port: check?.port ?? port };
}

async function tryCommand(
  { id }: Instance,
  command: string[],
  { containers }: Prober,
  timeoutMs: number,
): Promise<Attempt> {
  const { code, output } = await containers.execute(id, command, timeoutMs);
  const says = output.slice(0, EXCERPT_CHARS).replaceAll(/\s+/g, " ").trim();
  if (code === null) return { healthy: false, text: `no end within ${timeoutMs} ms` };
  return { healthy: code === 0, text: `status ${code} of its command${says ? `: ${says}` : ""}` };
}

async function tryUptime({ id }: Instance, wantedMs: number, { containers }: Prober) {
  const state = await containers.inspect(id);
  const ms = state?.running ? Date.now() - state.startedAt : 0;
  return { healthy: ms >= wantedMs, text: `up for ${Math.floor(ms / 1000)} s` };
}

function tryPort(target: { host: string; port: number }, timeoutMs: number): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, timeout: timeoutMs });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ healthy: true, text: `listening on ${target.port}` });
    });
    socket.once("timeout", () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.once("error", reject);
  });
}

async function tryHttp(
  instance: Instance,
  check: HealthCheck | undefined,
  { hostHeader }: Prober,
  timeoutMs: number,
): Promise<Attempt> {
  const wanted = check?.content === undefined ? {} : { bodyChars: CONTENT_CHARS };
  const { path = "/", headers = {} } = check ?? {};
  const how = { hostHeader, timeoutMs, path, headers, ...wanted };
  const answer = await probe(portOf(instance, check), how);
  if (isHealthy(answer, check)) return { healthy: true, text: `status ${answer.status}` };
  return { healthy: false, text: describe(answer, check) };
}

/** Anything below 500 will do, unless the app says more. */
function isHealthy({ status, body }: Answer, check: HealthCheck | undefined): boolean {
  if (!check) return status >= 100 && status < 500;
  return status >= 200 && status < 300 && body.includes(check.content ?? "");
}

function describe({ status, location, body }: Answer, check?: HealthCheck): string {
  const excerpt = body.slice(0, EXCERPT_CHARS).replaceAll(/\s+/g, " ").trim();
  const content = check?.content;
  const lacks = content !== undefined && !body.includes(content);
  return `status ${status}${lacks ? `, without ${JSON.stringify(content)}` : ""}${location ? `, Location: ${location}` : ""}${excerpt ? `, body: ${excerpt}` : ""}`;
}
