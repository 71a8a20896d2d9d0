/**
 * A router in a process of its own whose heap can be looked into: `young-router.ts APP_PORT`, with
 * `--expose-gc`. Says on which port it listens, and answers each message with the bytes of its heap
 * after what has died young was collected, once no connection is open.
 */
import { setTimeout } from "node:timers/promises";
import { createRouter } from "../../router/server.ts";

const app = { host: "127.0.0.1", port: Number(process.argv[2]) };
const router = createRouter({ id: "young", ack: () => undefined });
router.force({
  ...{ app: "shop", version: 1, colour: "blue", release: 1, deploy: "shop-1", drainMs: 1000 },
  hosts: ["shop.test"],
  targets: [{ id: "shop-1-web-1", ...app }],
});
const port = await router.listen({ port: 0, host: "127.0.0.1" });

process.on("message", () => void tell());
process.on("disconnect", () => process.exit());
process.send?.(port);

async function tell(): Promise<void> {
  while (router.stats().connections > 0) await setTimeout(5);
  // What has survived one such collection is young still; the second one decides.
  for (let i = 0; i < 2; i++) globalThis.gc?.({ type: "minor", execution: "sync" });
  process.send?.(process.memoryUsage().heapUsed);
}
