import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Collected, Errands } from "../errands.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const bytes = z.number().describe("bytes");
const collectedSchema = z.object({
  dryRun: z.boolean(),
  removed: z.array(
    z.object({
      kind: z.enum(["image", "cache", "source", "scratch"]),
      name: z.string(),
      why: z.string(),
      bytes: bytes.describe("as far as it is known; 0 where others share it"),
    }),
  ),
  failed: z.array(z.string()),
  kept: z.object({ images: z.number().int(), imageBytes: bytes, cacheBytes: bytes }),
  freeBefore: bytes,
  freeAfter: bytes,
}) satisfies z.ZodType<Collected>;

const answer = z.object({
  id: z.string(),
  report: collectedSchema.nullable().describe("null: it is still under way; ask again by its id"),
});

/** For so long an answer is waited for, ms; then it is asked for again. */
const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 150;

/** Garbage collection; a worker does it. */
export function gcRoutes({ errands }: ApiOptions): Route[] {
  return [
    route({
      method: "post",
      path: "/gc",
      summary: "Collect what nothing refers to any more; with `dryRun` only say what would go",
      subject: "platform",
      needs: "admin",
      body: z.strictObject({ dryRun: z.boolean().default(false) }),
      slow: true,
      answer,
      async handle({ body }) {
        const id = await errands.ask({ kind: "gc", dryRun: body.dryRun });
        return { id, report: await resultOf(errands, id) };
      },
    }),
    route({
      method: "get",
      path: "/gc/:errand",
      summary: "What was collected",
      subject: "platform",
      needs: "admin",
      slow: true,
      answer,
      async handle({ params }) {
        const id = (params["errand"] ?? "").slice(0, 100);
        return { id, report: await resultOf(errands, id) };
      },
    }),
  ];
}

/** Null while it is under way. @throws not-found, internal */
export async function resultOf(errands: Errands, id: string): Promise<unknown> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await errands.look(id);
    if (!found) throw new TealError("not-found", { path: `/gc/${id}` });
    if (found.state.state === "done") return found.state.value;
    if (found.state.state === "failed")
      throw new TealError("internal", { detail: found.state.error });
    if (performance.now() > end) return null;
    await sleep(LOOK_EVERY_MS);
  }
}
