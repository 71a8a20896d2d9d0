import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Which platform the commands speak to. */
export interface Server {
  url: URL;
  /** null: none was found; the platform will say so. */
  token: string | null;
}

/**
 * TEAL_URL and TEAL_TOKEN; without TEAL_URL the platform of this machine, whose admin token is read
 * from TEAL_HOME when TEAL_TOKEN is unset. The admin token is never sent anywhere else.
 * The defaults are those of apps/config.ts, which is slower to load than most commands take.
 */
export async function findServer(env: NodeJS.ProcessEnv): Promise<Server> {
  const token = env["TEAL_TOKEN"] || null;
  if (env["TEAL_URL"]) return { url: readUrl(env["TEAL_URL"]), token };
  const url = new URL(`http://127.0.0.1:${env["TEAL_API_PORT"] || 8000}`);
  return { url, token: token ?? (await readAdminToken(env)) };
}

function readUrl(given: string): URL {
  const url = URL.parse(given);
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new Error(`TEAL_URL=${given}: an address such as http://127.0.0.1:8000 was expected.`);
}

async function readAdminToken(env: NodeJS.ProcessEnv): Promise<string | null> {
  const home =
    env["TEAL_HOME"] || (process.getuid?.() === 0 ? "/var/lib/teal" : join(homedir(), ".teal"));
  try {
    return (await readFile(join(home, "admin-token"), "utf8")).trim() || null;
  } catch {
    return null;
  }
}
