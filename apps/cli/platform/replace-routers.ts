import { connect } from "node:net";
import { join } from "node:path";
import { lastLines } from "./dockerd.ts";
import type { Platform } from "./environment.ts";
import { PlatformError } from "./failure.ts";
import { indent } from "./packages.ts";
import { poll } from "./poll.ts";
import type { Progress } from "./progress.ts";
import { writeService, type Service } from "./service-files.ts";
import type { Supervisor } from "./supervisor.ts";

/** A router beside the others, for as long as they are replaced. */
const SPARE = "spare";
const SPARE_SERVICE = `router-${SPARE}`;
const START_MS = 30_000;

export interface Replaced {
  name: string;
  /** From the old process's signal to the new one routing, its drain included, in ms. */
  ms: number;
}

/**
 * Replaces router processes one after the other without a lost request: a spare one listens on their
 * port before the first of them closes, and until the last one's successor listens. The spare is a
 * service like the others, so if this process dies it is kept, and goes with the next `up`.
 * @throws PlatformError when one does not come up; the spare goes on then
 */
export async function replaceRouters(
  platform: Platform,
  { supervisor, dir, routers, progress }: Replacing,
): Promise<Replaced[]> {
  const [first] = routers;
  if (!first) return [];
  const names = await supervisor.names();
  if (names.includes(SPARE_SERVICE)) await supervisor.remove(SPARE_SERVICE);
  return progress.step(`Replacing ${routers.map(({ name }) => name).join(", ")}`, async (note) => {
    note("starting a router beside them");
    await writeService(join(dir, SPARE_SERVICE), spareOf(platform, first));
    await supervisor.start();
    await waitUntilRouting(platform, SPARE);
    const replaced: Replaced[] = [];
    for (const { name } of routers) {
      note(`${name} drains`);
      const since = performance.now();
      await supervisor.restart(name, drainSeconds(platform));
      await waitUntilRouting(platform, name.slice("router-".length));
      replaced.push({ name, ms: Math.round(performance.now() - since) });
    }
    note("the router beside them drains");
    await supervisor.remove(SPARE_SERVICE, drainSeconds(platform));
    return replaced;
  });
}

interface Replacing {
  supervisor: Supervisor;
  /** The folder that it watches. */
  dir: string;
  routers: readonly Service[];
  progress: Progress;
}

function spareOf({ settings }: Platform, router: Service): Service {
  return {
    ...router,
    name: SPARE_SERVICE,
    env: { ...router.env, TEAL_PROCESS_INDEX: SPARE },
    logDir: join(settings.paths.logs, SPARE_SERVICE),
  };
}

function drainSeconds({ settings }: Platform): number {
  return Math.ceil(settings.drainMs / 1000) + 15;
}

/** A router opens the socket of its metrics once it listens for requests. */
async function waitUntilRouting({ settings }: Platform, index: string): Promise<void> {
  const socket = join(settings.paths.run, `router-${index}.sock`);
  if (await poll(async () => answers(socket), START_MS, 100)) return;
  const dir = join(settings.paths.logs, `router-${index}`);
  throw new PlatformError(
    `router-${index} did not come up within ${START_MS / 1000} s; the others serve on. Last lines of ${dir}/current:\n${indent(await lastLines(dir))}`,
  );
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
