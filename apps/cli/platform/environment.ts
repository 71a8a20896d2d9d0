import { access, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { readSettings, type Settings } from "../../config.ts";
import { PlatformError } from "./failure.ts";

/** Where certificates, proxies, registries and the engine are: these reach every child. */
const PASSED_ON = [
  "LANG",
  "TZ",
  "DOCKER_HOST",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "npm_config_registry",
  "NPM_CONFIG_REGISTRY",
];

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** A unix socket's path has at most 107 bytes; the longest below TEAL_HOME is run/redis.sock. */
const LONGEST_HOME = 107 - "/run/redis.sock".length;
const REMEMBERED = "settings.json";

export interface Platform {
  /** The project's folder. */
  root: string;
  settings: Settings;
  /** The TEAL_* variables that are set, now or at the last `up`; TEAL_HOME always. */
  given: Record<string, string>;
  /** Names in `given` that come from the last `up` and not from the environment of now. */
  remembered: string[];
  /** Environment of the platform's processes and of the launcher's children. */
  env: Record<string, string>;
}

/** The constructed environment of a child: paths, certificates, proxies, and nothing else. */
export function childEnvironment(
  root: string,
  from: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: `${join(root, "node_modules", ".bin")}:${SYSTEM_PATH}`,
    HOME: from["HOME"] || homedir(),
  };
  for (const name of PASSED_ON) {
    const value = from[name];
    if (value) env[name] = value;
  }
  return env;
}

/**
 * Reads the settings: the environment, and below it what the last `up` was given. A variable
 * that is set and empty forgets what was remembered.
 * @throws PlatformError naming each wrong setting
 */
export async function readPlatform(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Platform> {
  const now = tealVariables(env);
  const home = resolve(settingsOf(now).home);
  if (Buffer.byteLength(home) > LONGEST_HOME) {
    throw new PlatformError(
      `TEAL_HOME has ${Buffer.byteLength(home)} bytes (${home}), and at most ${LONGEST_HOME} leave room for its unix sockets. Choose a shorter path.`,
    );
  }
  const before = await recall(home);
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...before, ...now, TEAL_HOME: home })) {
    if (value !== "") given[name] = value;
  }
  return {
    root,
    settings: settingsOf(given),
    given,
    remembered: Object.keys(given).filter((name) => name !== "TEAL_HOME" && !(name in now)),
    env: { ...childEnvironment(root, env), ...given },
  };
}

/** Keeps the settings for the commands that come after this `up`. */
export async function remember({ settings, given }: Platform): Promise<void> {
  const { TEAL_HOME: _, ...rest } = given;
  const file = join(settings.home, REMEMBERED);
  await writeFile(`${file}.new`, `${JSON.stringify(rest, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Whether a platform has been up in this home before. */
export async function wasUp({ home }: Settings): Promise<boolean> {
  return access(join(home, REMEMBERED)).then(
    () => true,
    () => false,
  );
}

async function recall(home: string): Promise<Record<string, string>> {
  const file = join(home, REMEMBERED);
  try {
    const kept: unknown = JSON.parse(await readFile(file, "utf8"));
    return tealVariables(kept as Record<string, string>);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EACCES" || code === "ENOTDIR") return {};
    throw new PlatformError(`${file} is not readable as JSON. Remove it and run 'teal up' again.`, {
      cause: error,
    });
  }
}

function tealVariables(from: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (name.startsWith("TEAL_") && typeof value === "string") found[name] = value;
  }
  return found;
}

function settingsOf(env: Record<string, string>): Settings {
  try {
    return readSettings(env);
  } catch (error) {
    throw new PlatformError((error as Error).message, { cause: error });
  }
}
