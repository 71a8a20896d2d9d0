import { z } from "zod";
import { TealError } from "../errors.ts";
import { changeRuntime } from "../runtime.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { deploySchema } from "./schemas.ts";
import { runtimeFields, runtimeSchema } from "./schemas-runtime.ts";

const type = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, "a process type such as 'web'");
const runtimeBody = z.strictObject({
  runtime: z.record(
    type,
    z
      .strictObject({
        memory: runtimeFields.memory.nullable(),
        cpus: runtimeFields.cpus.nullable(),
        pids: runtimeFields.pids.nullable(),
        readOnly: runtimeFields.readOnly.nullable(),
        grace: runtimeFields.grace.nullable(),
        time: runtimeFields.time.nullable(),
        handover: runtimeFields.handover.nullable(),
      })
      .partial(),
  ),
});

/** What instances may take up, by process type. */
export function runtimeRoutes({ store, deploys }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/runtime",
      summary: "What instances may take up and how long they have to stop, where that is set",
      subject: "app",
      needs: "read",
      answer: z.object({
        runtime: runtimeSchema.describe("as it was set"),
        live: runtimeSchema.describe("as the live release has it, with what its app.json says"),
      }),
      async handle({ subject: { name, live } }) {
        const { runtime = {} } = (await store.getSettings(name)).options;
        const release = live && (await store.getRelease(name, live.release));
        return { runtime, live: release?.runtime ?? {} };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/runtime",
      summary: "Change that, by a release of its own; null: the default again",
      subject: "app",
      needs: "push",
      body: runtimeBody,
      status: 202,
      answer: z.object({ deploy: deploySchema.nullable() }),
      async handle({ subject, body, identity }) {
        const { name } = subject;
        const told = (await store.getSettings(name)).options.runtime ?? {};
        if (Object.keys(body.runtime).length === 0) {
          throw new TealError("bad-request", { detail: "a process type was expected" });
        }
        const timed = Object.entries(body.runtime).find(([, { time }]) => typeof time === "number");
        if (timed && timed[0] !== "release") {
          throw new TealError("bad-request", {
            detail: `a time for release, not ${timed[0]}, was expected`,
          });
        }
        if (body.runtime["release"]?.handover)
          throw new TealError("handover-gap", { name, type: "release" });
        const runtime = changeRuntime(told, body.runtime);
        await store.changeSettings(name, { options: { runtime } });
        const why = Object.keys(body.runtime).map((one) => {
          const { handover, ...limits } = body.runtime[one] ?? {};
          if (Object.keys(limits).length > 0) return `limits of ${one}`;
          return `handover of ${one}${handover ? `: ${handover}` : ""}`;
        });
        const wish = { app: name, kind: "config" as const, by: identity.name };
        return { deploy: await deploys.change({ ...wish, why: why.join(", ") }) };
      },
    }),
  ];
}
