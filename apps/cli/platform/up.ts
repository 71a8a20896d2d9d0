import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./child.ts";
import { ensureEngine } from "./dockerd.ts";
import { createEngineClient } from "./engine.ts";
import { PlatformError } from "./failure.ts";
import { remember, wasUp, type Platform } from "./environment.ts";
import { indent, installPackages, missingPackages, systemdRuns } from "./packages.ts";
import { platformPorts, requireFreePorts } from "./ports.ts";
import type { Progress } from "./progress.ts";
import { waitUntilReady } from "./ready.ts";
import { replaceRouters } from "./replace-routers.ts";
import { platformServices } from "./services.ts";
import { writeService, type Service } from "./service-files.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";
import { startUnit, unitName, unitText } from "./systemd.ts";

export interface UpOptions {
  progress: Progress;
  /** Prepare the image that apps are built on. */
  base: boolean;
  /** The Procfile's text; the project's own by default. */
  procfile?: string;
  /** How long the processes may take to answer, in ms. */
  readyMs?: number;
}

/** The folder that runsvdir watches. */
export function serviceDir(home: string): string {
  return join(home, "service");
}

/** The supervisor of a platform, whether it runs or not. */
export function platformSupervisor({ settings, env }: Platform): Supervisor {
  return createSupervisor({
    dir: serviceDir(settings.home),
    logFile: join(settings.paths.logs, "runsvdir.log"),
    env,
  });
}

/**
 * Brings the platform up: packages, engine, processes, base image; waits until all answer.
 * @returns what was changed, one line each; empty when all was up already
 * @throws PlatformError saying what is wrong and what to do
 */
export async function up(platform: Platform, options: UpOptions): Promise<string[]> {
  const { progress } = options;
  await makeFolders(platform);
  const changes = await prepareMachine(platform, progress);
  await requireOwnName(platform);
  const procfile = options.procfile ?? (await readFile(join(platform.root, "Procfile"), "utf8"));
  const services = await platformServices(platform, procfile);
  const supervisor = platformSupervisor(platform);
  const states = await supervisor.states();
  if (states.every((service) => service.state === "stuck")) {
    await requireFreePorts(platformPorts(platform.settings), platform.settings.bind);
  }
  await remember(platform);
  changes.push(...(await bringServices(platform, supervisor, services, progress)));
  if (options.base) await prepareBase(platform, progress);
  await progress.step("Waiting until every process answers", async (note) => {
    const names = services.map((service) => service.name);
    const { settings } = platform;
    await waitUntilReady({ settings, supervisor, services: names, note, readyMs: options.readyMs });
  });
  return changes;
}

/**
 * Containers that no record names are removed; at a home's first start these may be another's.
 * @throws PlatformError when there are containers of this platform's name already
 */
async function requireOwnName({ settings, env }: Platform): Promise<void> {
  const { namespace, home, redisUrl } = settings;
  if (redisUrl !== null || (await wasUp(settings))) return;
  const label = `teal.platform=${namespace}`;
  const others = await createEngineClient(env["DOCKER_HOST"]).countAll(label);
  if (others === 0) return;
  throw new PlatformError(
    `${home} is new, and ${others} container(s) here are of a platform named '${namespace}': this one would take them for its own and remove them. Run that one by its TEAL_HOME, or give this one another name:\n  TEAL_NAMESPACE=${namespace.slice(0, 20)}2 ./teal up\nIf that platform is no more, remove what it left:\n  docker rm -f $(docker ps -aq --filter label=${label})`,
  );
}

async function makeFolders({ settings }: Platform): Promise<void> {
  await mkdir(settings.home, { recursive: true, mode: 0o700 });
  await chmod(settings.home, 0o700);
  const { repos, work, run: sockets, redis, tables, logs } = settings.paths;
  const folders = [repos, work, sockets, redis, tables, logs, serviceDir(settings.home)];
  await Promise.all(folders.map(async (dir) => mkdir(dir, { recursive: true, mode: 0o700 })));
}

/** Installs the packages that are missing and makes the Docker engine answer. */
export async function prepareMachine(
  { settings, env }: Pick<Platform, "settings" | "env">,
  progress: Progress,
): Promise<string[]> {
  const changes: string[] = [];
  const engine = createEngineClient(env["DOCKER_HOST"]);
  const missing = await missingPackages(env["PATH"] as string, {
    engineAnswers: (await engine.version()) !== null,
    ownRedis: settings.redisUrl === null,
  });
  if (missing.length > 0) {
    await mkdir(settings.paths.logs, { recursive: true, mode: 0o700 });
    const logFile = join(settings.paths.logs, "apt.log");
    await installPackages(missing, { env, progress, logFile });
    changes.push(`installed ${missing.join(", ")}`);
  }
  if (await ensureEngine({ engine, env, progress })) changes.push("started the Docker engine");
  return changes;
}

async function bringServices(
  platform: Platform,
  supervisor: Supervisor,
  services: readonly Service[],
  progress: Progress,
): Promise<string[]> {
  const changes: string[] = [];
  const dir = serviceDir(platform.settings.home);
  const running = (await supervisor.pid()) !== null;
  const wanted = new Set(services.map((service) => service.name));
  for (const name of await supervisor.names()) {
    if (wanted.has(name)) continue;
    await supervisor.remove(name);
    changes.push(`stopped ${name}`);
  }
  const routers: Service[] = [];
  for (const service of services) {
    const did = await writeService(join(dir, service.name), service);
    if (did === "new" && running) changes.push(`started ${service.name}`);
    if (did !== "changed" || !running) continue;
    if (service.name.startsWith("router-")) routers.push(service);
    else await supervisor.restart(service.name);
    changes.push(`restarted ${service.name}: its settings or its code changed`);
  }
  if (routers.length > 0) await replaceRouters(platform, { supervisor, dir, routers, progress });
  if (!running) {
    await startSupervisor(platform);
    changes.push(`started ${[...wanted].join(", ")}`);
  }
  await supervisor.start();
  return changes;
}

async function startSupervisor({ settings, env }: Platform): Promise<void> {
  if (!(await systemdRuns()) || process.getuid?.() !== 0) return;
  const text = unitText({ serviceDir: serviceDir(settings.home), path: env["PATH"] as string });
  await startUnit(unitName(settings.namespace), text, env);
}

/** Makes the image that apps are built on; a failure is a warning, since a push tries again. */
export async function prepareBase(
  { root, env, settings }: Pick<Platform, "root" | "env" | "settings">,
  progress: Progress,
): Promise<boolean> {
  const logFile = join(settings.paths.logs, "base.log");
  const result = await progress.step("Preparing the base image", async (note) =>
    run("node", [join(root, "workers", "prepare-base.ts")], {
      env,
      cwd: root,
      logFile,
      onLine: note,
    }),
  );
  if (result.code === 0) return true;
  progress.line(
    `! The base image is not ready yet (whole output: ${logFile}); the first push tries again.\n${indent(result.tail)}`,
  );
  return false;
}
