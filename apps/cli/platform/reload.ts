import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Platform } from "./environment.ts";
import { PlatformError } from "./failure.ts";
import type { Progress } from "./progress.ts";
import { replaceRouters, type Replaced } from "./replace-routers.ts";
import { platformServices } from "./services.ts";
import { writeService } from "./service-files.ts";
import { platformSupervisor, serviceDir } from "./up.ts";

/**
 * `teal router:reload`: brings the routers of this machine to the present code and settings.
 * @throws PlatformError when none runs, or one does not come back
 */
export async function reload(
  platform: Platform,
  progress: Progress,
  procfile?: string,
): Promise<Replaced[]> {
  const supervisor = platformSupervisor(platform);
  if ((await supervisor.pid()) === null) {
    throw new PlatformError("The platform does not run here. Run: ./teal up");
  }
  const text = procfile ?? (await readFile(join(platform.root, "Procfile"), "utf8"));
  const there = new Set(await supervisor.names());
  const routers = (await platformServices(platform, text)).filter(
    ({ name }) => name.startsWith("router-") && there.has(name),
  );
  if (routers.length === 0) throw new PlatformError("No router runs here. Run: ./teal up");
  const dir = serviceDir(platform.settings.home);
  for (const router of routers) await writeService(join(dir, router.name), router);
  return replaceRouters(platform, { supervisor, dir, routers, progress });
}
