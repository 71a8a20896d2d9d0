import { z } from "zod";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { addNotifierBody, notifierSchema, sentSchema } from "./schemas-outside.ts";
import { pageQuery } from "./schemas.ts";

/** Notifiers: who is told what happens to an app. */
export function notificationRoutes({ notifiers }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/notifications",
      summary: "Who is told what happens to the app",
      subject: "app",
      needs: "read",
      answer: z.object({ notifiers: z.array(notifierSchema) }),
      handle: async ({ subject }) => ({ notifiers: await notifiers.list(subject.name) }),
    }),
    route({
      method: "post",
      path: "/apps/:app/notifications",
      summary: "Tell somebody; a webhook's secret is in this answer and nowhere else",
      subject: "app",
      needs: "admin",
      body: addNotifierBody,
      status: 201,
      answer: z.object({ notifier: notifierSchema, secret: z.string().nullable() }),
      handle: ({ subject, body, identity }) => notifiers.add(subject.name, body, identity.name),
    }),
    route({
      method: "get",
      path: "/apps/:app/notifications/deliveries",
      summary: "The newest tries to tell somebody, newest first",
      subject: "app",
      needs: "read",
      query: pageQuery,
      answer: z.object({ deliveries: z.array(sentSchema) }),
      async handle({ subject, query }) {
        return { deliveries: await notifiers.sent(subject.name, query.limit) };
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/notifications/:notifier",
      summary: "Tell somebody no more",
      subject: "app",
      needs: "admin",
      status: 204,
      async handle({ subject, params }) {
        const id = (params["notifier"] ?? "").slice(0, 200);
        if (!(await notifiers.remove(subject.name, id)))
          throw new TealError("notifier-not-found", { app: subject.name, id });
      },
    }),
  ];
}
