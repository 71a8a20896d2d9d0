import { z } from "zod";
import { changeBuild, showBuild, type BuildOptions } from "../build-options.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const options = z
  .record(z.string(), z.string())
  .describe("name to text, as `build:set` takes them");
const buildBody = z.strictObject({
  set: z.record(z.string().max(200), z.string().max(10_000)).default({}),
  unset: z.array(z.string().max(200)).max(200).default([]),
});

/** How an app is built, where its tree does not say. */
export function buildRoutes({ store }: ApiOptions): Route[] {
  const answer = z.object({ build: options });
  const shown = (build: BuildOptions) => ({ build: Object.fromEntries(showBuild(build)) });
  return [
    route({
      method: "get",
      path: "/apps/:app/build",
      summary: "The app's build options",
      subject: "app",
      needs: "read",
      answer,
      handle: async ({ subject }) =>
        shown((await store.getSettings(subject.name)).options.build ?? {}),
    }),
    route({
      method: "post",
      path: "/apps/:app/build",
      summary: "Change build options; the next build has them",
      subject: "app",
      needs: "push",
      body: buildBody,
      answer,
      async handle({ subject, body }) {
        const { options: now } = await store.getSettings(subject.name);
        const build = changeBuild(now.build ?? {}, body);
        await store.changeSettings(subject.name, { options: { build } });
        return shown(build ?? {});
      },
    }),
  ];
}
