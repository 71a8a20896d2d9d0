import { z } from "zod";
import { defaultHost } from "../address.ts";
import type { Attempt } from "../acme.ts";
import type { Certificate } from "../certificates.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const time = z.number().int().describe("milliseconds since the epoch");
const certificateSchema = z.object({
  id: z.string().describe("the beginning of its SHA-256"),
  app: z.string(),
  names: z.array(z.string()),
  issuer: z.string(),
  source: z.enum(["own", "acme"]).describe("brought by somebody, or ordered by the platform"),
  notBefore: time,
  notAfter: time,
  by: z.string(),
  addedAt: time,
}) satisfies z.ZodType<Certificate>;

const listSchema = z.object({
  certificates: z.array(certificateSchema),
  auto: z.boolean().describe("the platform orders and renews them"),
  failed: z
    .array(
      z.object({
        host: z.string(),
        app: z.string(),
        failures: z.number().int(),
        error: z.string(),
        at: time,
        nextAt: time,
      }) satisfies z.ZodType<Attempt>,
    )
    .describe("hosts whose last order did not succeed"),
});

const MAX_PEM = 100_000;
const addBody = z.strictObject({
  certificate: z.string().max(MAX_PEM).describe("PEM: the certificate, then each one's issuer"),
  key: z.string().max(MAX_PEM).default("").describe("PEM; not needed when certificate holds it"),
});

/** Certificates: what the app's hosts are served with by https. */
export function certificateRoutes(options: ApiOptions): Route[] {
  const { store, certificates, acme, settings } = options;
  return [
    route({
      method: "get",
      path: "/apps/:app/certs",
      summary: "The app's certificates, the one that ends first, first",
      subject: "app",
      needs: "read",
      answer: listSchema,
      async handle({ subject: { name } }) {
        const [found, failed, { options: told }] = await Promise.all([
          certificates.list(name),
          acme.attempts(name),
          store.getSettings(name),
        ]);
        const auto = settings.acme !== null && told.certificates?.auto !== false;
        return { certificates: found, auto, failed };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/certs",
      summary: "Serve the app's hosts with a certificate of your own, from the next connection on",
      subject: "app",
      needs: "push",
      body: addBody,
      status: 201,
      answer: z.object({ certificate: certificateSchema }),
      async handle({ subject: { name }, body, identity }) {
        const { domains } = await store.getSettings(name);
        const given = { app: name, chain: body.certificate, key: body.key, by: identity.name };
        const hosts = [...domains, defaultHost(name, settings)];
        return { certificate: await certificates.add({ ...given, source: "own" }, hosts) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/certs/auto",
      summary: "Have the platform order and renew certificates for the app's hosts, or not",
      subject: "app",
      needs: "push",
      body: z.strictObject({ auto: z.boolean() }),
      answer: z.object({ auto: z.boolean() }),
      async handle({ subject: { name }, body: { auto } }) {
        if (auto && settings.acme === null) throw new TealError("no-acme");
        await store.changeSettings(name, { options: { certificates: { auto } } });
        return { auto };
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/certs/:certificate",
      summary: "Serve the app with a certificate no more",
      subject: "app",
      needs: "push",
      status: 204,
      async handle({ subject: { name }, params }) {
        const id = (params["certificate"] ?? "").slice(0, 100);
        if (!(await certificates.remove(name, id)))
          throw new TealError("certificate-not-found", { name, id });
      },
    }),
  ];
}
