import { readSettings } from "../apps/config.ts";
import { createLog } from "../apps/log.ts";
import { createBases } from "./bases.ts";
import { createDocker } from "./engine/client.ts";
import { createImages } from "./engine/images.ts";

/** Makes the base image of the default runtime ready, so that a first push need not wait for it. */
async function main(): Promise<void> {
  const settings = readSettings();
  const log = createLog("prepare-base");
  const images = createImages(createDocker(), { namespace: settings.namespace, log });
  const bases = createBases({ images, settings, log });
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  process.once("SIGTERM", () => stop.abort(new Error("stopped")));
  const runtime = { name: "node", range: "24.x", from: "default" } as const;
  const say = (text: string): void => console.log(text);
  const base = await bases.ensureBase(runtime, say, stop.signal);
  const smaller = { name: "node-run", range: base.version, from: "default" } as const;
  await bases.ensureBase(smaller, say, stop.signal);
  console.log(`Base image ready: ${base.image} (Node ${base.version})`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
