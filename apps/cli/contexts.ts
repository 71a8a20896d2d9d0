import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** A platform that the user has signed in at. */
export interface Context {
  url: string;
  token: string;
}

export interface Contexts {
  current: string | null;
  contexts: Record<string, Context>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/** Where they are kept, by the XDG base directories. */
function contextsFile(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "teal", "contexts.json");
}

/** None when there is no such file. @throws Error when it is something else */
export async function readContexts(env: NodeJS.ProcessEnv): Promise<Contexts> {
  const file = contextsFile(env);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (text === null) return { current: null, contexts: {} };
  const found = parse(text);
  if (found) return found;
  throw new Error(
    `${file} was expected to hold contexts and does not; remove it and sign in anew.`,
  );
}

/** Only the owner may read the file, which is there whole or not at all. */
export async function writeContexts(env: NodeJS.ProcessEnv, contexts: Contexts): Promise<void> {
  const file = contextsFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(fresh, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
}

export function isContextName(name: string): boolean {
  return NAME.test(name);
}

function parse(text: string): Contexts | null {
  try {
    const { current = null, contexts } = JSON.parse(text) as Partial<Contexts>;
    if (contexts === undefined || typeof contexts !== "object") return null;
    const good = Object.values(contexts).every(
      (one) => typeof one.url === "string" && typeof one.token === "string",
    );
    return good ? { current, contexts } : null;
  } catch {
    return null;
  }
}
