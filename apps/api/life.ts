import { z } from "zod";
import { scaleApp } from "../formation.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { formationBody, holdBody, promoteBody } from "./schemas-apps.ts";
import { deploySchema } from "./schemas.ts";

/** Restarting, scaling, holding and promoting. */
export function lifeRoutes({ store, deploys }: ApiOptions): Route[] {
  const deployed = z.object({ deploy: deploySchema });
  return [
    route({
      method: "post",
      path: "/apps/:app/restart",
      summary: "Restart through the idle colour, without a gap",
      subject: "app",
      needs: "push",
      body: z.strictObject({}),
      status: 202,
      answer: deployed,
      handle: async ({ subject, identity }) => ({
        deploy: await deploys.restart({ app: subject.name, by: identity.name }),
      }),
    }),
    ...[true, false].map((stopped) =>
      route({
        method: "post",
        path: `/apps/:app/${stopped ? "stop" : "start"}`,
        summary: stopped
          ? "Stop all that runs of the app; routers answer 503"
          : "Start the instances of a stopped app again",
        subject: "app",
        needs: "push",
        body: z.strictObject({}),
        status: 202,
        answer: deployed,
        handle: async ({ subject, identity: { name: by } }) => ({
          deploy: await deploys.stop({ app: subject.name, by, stopped }),
        }),
      }),
    ),
    route({
      method: "post",
      path: "/apps/:app/formation",
      summary: "Scale process types; `deploy` is null when nothing is live yet",
      subject: "app",
      needs: "push",
      body: formationBody,
      status: 202,
      answer: z.object({ deploy: deploySchema.nullable() }),
      async handle({ subject, body, identity }) {
        const wish = { app: subject.name, formation: body.formation, by: identity.name };
        return { deploy: await scaleApp({ store, deploys }, wish) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/hold",
      summary: "Whether new versions wait in the idle colour to be promoted",
      subject: "app",
      needs: "push",
      body: holdBody,
      answer: holdBody,
      async handle({ subject, body: { hold, promoteAfter } }) {
        if (!hold && promoteAfter !== undefined) {
          throw new TealError("bad-request", { detail: "promoteAfter is of what is held" });
        }
        const options = { promoteAfter: promoteAfter ?? null };
        await store.changeSettings(subject.name, { hold, options });
        return { hold, ...(promoteAfter !== undefined && { promoteAfter }) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/promote",
      summary: "Make live what is held",
      subject: "app",
      needs: "push",
      body: promoteBody,
      status: 202,
      answer: deployed,
      async handle({ subject, body, identity }) {
        const wish = { app: subject.name, by: identity.name, why: body.why ?? "" };
        return { deploy: await deploys.promote(wish) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/abort",
      summary: "Throw away what is held",
      subject: "app",
      needs: "push",
      body: z.strictObject({}),
      status: 204,
      handle: ({ subject }) => deploys.abort(subject.name),
    }),
  ];
}
