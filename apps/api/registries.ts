import { z } from "zod";
import { TealError } from "../errors.ts";
import type { RegistryLogin } from "../registries.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const loginSchema = z.object({
  host: z.string(),
  username: z.string(),
  realm: z
    .string()
    .nullable()
    .describe("where the password is sent besides the registry itself; null: nowhere"),
  by: z.string(),
  createdAt: z.number().int(),
}) satisfies z.ZodType<RegistryLogin>;
const loginBody = z.strictObject({
  host: z.string().max(300),
  username: z.string().max(255),
  password: z.string().max(10_000),
  realm: z.string().max(1000).optional().describe("an address that begins with https://"),
});

/** Logins of the platform to image registries. */
export function registryRoutes({ registries }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/registries",
      summary: "The image registries that the platform logs in to, without passwords",
      subject: "platform",
      needs: "admin",
      answer: z.object({ registries: z.array(loginSchema) }),
      handle: async () => ({ registries: await registries.list() }),
    }),
    route({
      method: "post",
      path: "/registries",
      summary: "Log in to an image registry; the password is kept sealed",
      subject: "platform",
      needs: "admin",
      body: loginBody,
      status: 201,
      answer: z.object({ registry: loginSchema }),
      async handle({ body: { realm, ...body }, identity }) {
        const wish = { ...body, ...(realm !== undefined && { realm }) };
        return { registry: await registries.login(wish, identity.name) };
      },
    }),
    route({
      method: "delete",
      path: "/registries/:host",
      summary: "Log out of an image registry",
      subject: "platform",
      needs: "admin",
      status: 204,
      async handle({ params }) {
        const host = (params["host"] ?? "").slice(0, 300);
        if (!(await registries.logout(host))) throw new TealError("registry-not-found", { host });
      },
    }),
  ];
}
