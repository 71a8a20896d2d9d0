import { z } from "zod";
import { TealError } from "../errors.ts";
import { hookPath } from "../public-url.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { addHookBody, deliverySchema, hookSchema } from "./schemas-outside.ts";
import { pageQuery } from "./schemas.ts";

/** Webhook senders: who outside may ask for deploys of an app. */
export function hookRoutes({ senders, webhooks, publicUrl }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/hooks",
      summary: "The app's webhook senders, without their secrets",
      subject: "app",
      needs: "read",
      answer: z.object({ hooks: z.array(hookSchema) }),
      handle: async ({ subject }) => ({ hooks: await senders.list(subject.name) }),
    }),
    route({
      method: "post",
      path: "/apps/:app/hooks",
      summary: "Add a webhook sender; its secret is in this answer and nowhere else",
      subject: "app",
      needs: "admin",
      body: addHookBody,
      status: 201,
      answer: z.object({
        hook: hookSchema,
        secret: z.string(),
        path: z.string(),
        url: z.string().describe("where the sender sends to"),
      }),
      async handle({ subject, body, identity }) {
        const { sender, secret } = await senders.add(subject.name, body, identity.name);
        const path = hookPath(sender, secret);
        return { hook: sender, secret, path, url: publicUrl + path };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/hooks/deliveries",
      summary: "What became of the newest webhook deliveries, newest first",
      subject: "app",
      needs: "read",
      query: pageQuery,
      answer: z.object({ deliveries: z.array(deliverySchema) }),
      async handle({ subject, query }) {
        return { deliveries: await senders.deliveries(subject.name, query.limit) };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/hooks/deliveries/:delivery",
      summary: "What came with a delivery, as long as it is kept",
      subject: "app",
      needs: "push",
      answer: z.object({ headers: z.record(z.string(), z.string()), body: z.string() }),
      async handle({ subject: { name: app }, params }) {
        const id = (params["delivery"] ?? "").slice(0, 200);
        const came = await senders.came(app, id);
        if (!came) throw new TealError("delivery-gone", { app, id });
        return came;
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/hooks/deliveries/:delivery/redeliver",
      summary: "Look at a delivery again, with the sender's settings as they are now",
      subject: "app",
      needs: "push",
      body: z.strictObject({}),
      status: 202,
      answer: z.object({
        deploy: z.string().nullable(),
        reason: z.string().optional().describe("why it did not deploy"),
      }),
      handle({ subject, params, identity }) {
        const key = (params["delivery"] ?? "").slice(0, 200);
        return webhooks.redeliver(subject.name, key, identity.name);
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/hooks/:hook",
      summary: "Remove a webhook sender; its secret is good no more",
      subject: "app",
      needs: "admin",
      status: 204,
      async handle({ subject, params }) {
        const id = (params["hook"] ?? "").slice(0, 200);
        if (!(await senders.remove(subject.name, id)))
          throw new TealError("sender-not-found", { app: subject.name, id });
      },
    }),
  ];
}
