import { z } from "zod";
import { createAppConfig } from "../app-config.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { configBody, configQuery, configSchema } from "./schemas-apps.ts";
import { deploySchema } from "./schemas.ts";

export function configRoutes({ store, deploys, secrets, access }: ApiOptions): Route[] {
  const appConfig = createAppConfig({ store, deploys, secrets });
  return [
    route({
      method: "get",
      path: "/apps/:app/config",
      summary: "The app's config, its values masked; with `reveal=1` as they are, for who may push",
      subject: "app",
      needs: "read",
      query: configQuery,
      answer: z.object({ config: z.array(configSchema) }),
      async handle({ subject, query, identity }) {
        const reveal = query.reveal === "1";
        if (reveal && !access.may(identity, "push", subject.name)) {
          throw new TealError("not-allowed", { who: identity.name, action: "see config values" });
        }
        return { config: await appConfig.read(subject, reveal) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/config",
      summary: "Set and unset config, all in one release; `deploy` is null when none was needed",
      subject: "app",
      needs: "push",
      body: configBody,
      status: 202,
      answer: z.object({ deploy: deploySchema.nullable() }),
      async handle({ subject, body, identity }) {
        const change = { app: subject.name, by: identity.name, ...body };
        return { deploy: await appConfig.change(change) };
      },
    }),
  ];
}
