import { z } from "zod";
import { TealError } from "../errors.ts";
import { APP_NAME } from "../types.ts";
import { viewApp, viewInstances } from "../views.ts";
import { pageOf } from "./page.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import {
  appSchema,
  createAppBody,
  destroyBody,
  destroyQuery,
  instanceSchema,
} from "./schemas-apps.ts";
import { nextPage } from "./schemas.ts";
import { usageSchema } from "./schemas-usage.ts";

const appsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(200).describe("how many, by name"),
  after: z.string().max(200).optional().describe("only apps after the one of this name"),
});

const usedInstance = instanceSchema.extend({
  usage: usageSchema.optional().describe("as it was seen within the last minute or so"),
});

export function appRoutes(options: ApiOptions): Route[] {
  const { store, deploys, access, settings, crashes, series } = options;
  return [
    route({
      method: "get",
      path: "/apps",
      summary: "The apps that the caller may see",
      subject: "platform",
      needs: "token",
      query: appsQuery,
      pages: "after",
      answer: z.object({ apps: z.array(appSchema), next: nextPage }),
      async handle({ identity, query: { after, limit } }) {
        const rest = (await store.listApps())
          .filter(({ name }) => access.may(identity, "read", name))
          .filter(({ name }) => after === undefined || name > after)
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
        const { items, next } = pageOf(rest, limit, (app) => app.name);
        const apps = await Promise.all(items.map((app) => viewApp(app, store, settings)));
        return { apps, next };
      },
    }),
    route({
      method: "post",
      path: "/apps",
      summary: "Create an app",
      subject: "platform",
      needs: "admin",
      body: createAppBody,
      status: 201,
      answer: appSchema,
      async handle({ body, identity }) {
        if (!APP_NAME.test(body.name)) throw new TealError("bad-app-name", { name: body.name });
        return viewApp(await store.createApp(body.name, identity.name), store, settings);
      },
    }),
    route({
      method: "get",
      path: "/apps/:app",
      summary: "One app: its live and standby colour, its newest deploy",
      subject: "app",
      needs: "read",
      answer: appSchema,
      handle: ({ subject }) => viewApp(subject, store, settings),
    }),
    route({
      method: "delete",
      path: "/apps/:app",
      summary: "Destroy an app for good; `confirm` repeats its name",
      subject: "app",
      needs: "admin",
      query: destroyQuery,
      body: destroyBody,
      status: 202,
      answer: z.object({ name: z.string(), state: z.literal("destroying") }),
      async handle({ subject, query, body }) {
        const confirm = body.confirm ?? query.confirm;
        const { name } = subject;
        if (confirm !== name) {
          throw new TealError("confirm-mismatch", { name, confirm: confirm ?? "nothing" });
        }
        await deploys.destroy(name, body.volumes);
        return { name, state: "destroying" };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/ps",
      summary: "The app's instances, and what each takes up",
      subject: "app",
      needs: "read",
      answer: z.object({ instances: z.array(usedInstance) }),
      async handle({ subject }) {
        const [found, ended, sample, own] = await Promise.all([
          store.listInstances(subject.name),
          crashes.list(subject.name),
          series.latest(subject.name),
          store.getSettings(subject.name),
        ]);
        const rests = own.options.stopped === true;
        const instances = viewInstances(subject, found, { crashes: ended, rests }).map((one) => {
          const usage = sample?.instances[one.id];
          return { ...one, ...(usage && { usage }) };
        });
        return { instances };
      },
    }),
  ];
}
