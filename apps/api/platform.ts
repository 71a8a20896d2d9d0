import { z } from "zod";
import { describeApi } from "./openapi.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { identitySchema } from "./schemas-access.ts";

/** @param routes the others, for the OpenAPI document */
export function platformRoutes({ store }: ApiOptions, routes: Route[]): Route[] {
  const mine: Route[] = [
    route({
      method: "get",
      path: "/health",
      summary: "Whether the platform answers, its store too",
      subject: "platform",
      needs: "nothing",
      answer: z.object({
        status: z.literal("ok"),
        redis: z.literal("reachable"),
        routers: z.number().int().describe("router processes whose lease runs"),
      }),
      async handle() {
        const routers = (await store.routers()).filter((router) => !router.expired);
        return { status: "ok", redis: "reachable", routers: routers.length };
      },
    }),
    route({
      method: "get",
      path: "/whoami",
      summary: "Whom the token stands for",
      subject: "platform",
      needs: "token",
      answer: identitySchema,
      async handle({ identity: { name, role, apps, user, grants } }) {
        return { name, role, apps, ...(user !== undefined && { user }), ...(grants && { grants }) };
      },
    }),
    route({
      method: "get",
      path: "/openapi.json",
      summary: "This API as an OpenAPI 3.1 document",
      subject: "platform",
      needs: "token",
      answer: z.record(z.string(), z.unknown()),
      handle: async () => document,
    }),
  ];
  const document = describeApi([...mine, ...routes]);
  return mine;
}
