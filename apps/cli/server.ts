import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { TealError } from "../errors.ts";
import { readContexts, type Contexts } from "./contexts.ts";

/** Which platform the commands speak to. */
export interface Server {
  url: URL;
  /** null: none was found; the platform will say so. */
  token: string | null;
}

/**
 * In this order: the context that TEAL_CONTEXT (or `--context`) names; TEAL_URL and TEAL_TOKEN; the
 * context in use; the platform of this machine, whose port and admin token (when TEAL_TOKEN is
 * unset) are read from TEAL_HOME. No token is sent to a platform that it is not of.
 * The defaults are those of apps/config.ts, which is slower to load than most commands take.
 * @throws TealError context-not-found
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<Server> {
  const token = env["TEAL_TOKEN"] || null;
  const named = env["TEAL_CONTEXT"];
  if (named) return serverOf(await readContexts(env), named);
  if (env["TEAL_URL"]) return { url: readUrl(env["TEAL_URL"]), token };
  const contexts = await readContexts(env);
  if (contexts.current !== null && !env["TEAL_API_PORT"] && !env["TEAL_HOME"]) {
    const server = serverOf(contexts, contexts.current);
    return token === null ? server : { ...server, token };
  }
  const home = homeOf(env);
  return { url: await readLocalUrl(env, home), token: token ?? (await readAdminToken(home)) };
}

/** Where the platform in `home` listens: as the environment says, else as its last `up` was told. */
async function readLocalUrl(env: NodeJS.ProcessEnv, home: string): Promise<URL> {
  const kept = await readFile(join(home, "settings.json"), "utf8")
    .then((text) => JSON.parse(text) as Record<string, string>)
    .catch((): Record<string, string> => ({}));
  const bind = env["TEAL_BIND"] || kept["TEAL_BIND"] || "0.0.0.0";
  const host = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
  const port = env["TEAL_API_PORT"] || kept["TEAL_API_PORT"] || "8000";
  return readUrl(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
}

function serverOf({ contexts }: Contexts, name: string): Server {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (!found) throw new TealError("context-not-found", { name });
  return { url: readUrl(found.url), token: found.token };
}

/** @throws Error when it is no address */
export function readUrl(given: string): URL {
  const url = URL.parse(given);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new Error(`${given}: an address such as http://127.0.0.1:8000 was expected.`);
}

function homeOf(env: NodeJS.ProcessEnv): string {
  const usual = process.getuid?.() === 0 ? "/var/lib/teal" : join(homedir(), ".teal");
  return env["TEAL_HOME"] || usual;
}

async function readAdminToken(home: string): Promise<string | null> {
  try {
    return (await readFile(join(home, "admin-token"), "utf8")).trim() || null;
  } catch {
    return null;
  }
}
