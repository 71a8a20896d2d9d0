import type { Platform } from "./environment.ts";
import { leaveMetadata } from "./metadata.ts";
import { systemdRuns } from "./packages.ts";
import type { Progress } from "./progress.ts";
import { REDIS_SERVICE } from "./services.ts";
import { stopUnit, unitName } from "./systemd.ts";
import { platformSupervisor } from "./up.ts";

/**
 * Stops the platform's processes and waits for their end. Apps' containers, data and the
 * Docker engine stay as they are.
 * @returns the names of what was stopped; empty when nothing ran
 */
export async function down(platform: Platform, progress: Progress): Promise<string[]> {
  const stopped = await stopServices(platform, progress);
  await leaveMetadata(platform);
  return stopped;
}

async function stopServices(platform: Platform, progress: Progress): Promise<string[]> {
  const supervisor = platformSupervisor(platform);
  const states = await supervisor.states();
  const running = states.filter((service) => service.state !== "stuck");
  if ((await supervisor.pid()) === null && running.length === 0) return [];
  await progress.step("Stopping the platform's processes", async () => {
    if ((await systemdRuns()) && process.getuid?.() === 0) {
      await stopUnit(unitName(platform.settings.namespace), platform.env);
    }
    await supervisor.stop([REDIS_SERVICE]);
  });
  return running.map((service) => service.name);
}
