import { z } from "zod";
import { changeRouting } from "../routing-change.ts";
import { MAX_PAGE_BYTES, PAGES, routingOf } from "../routing.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { deploySchema } from "./schemas.ts";

const MINUTE = 60_000;
const ms = (most: number) => z.number().int().min(0).max(most);

const fields = {
  maintenance: z.boolean().describe("answer 503 with a page"),
  httpsRedirect: z.boolean().describe("send http to https"),
  canonicalHost: z.string().max(300).describe("send all other hosts of the app there"),
  maxBodyBytes: z.number().int().min(0).max(1e15).describe("of a request's body"),
  headersMs: ms(60 * MINUTE).describe("from a request's end to its answer's head, ms"),
  responseMs: ms(24 * 60 * MINUTE).describe("from a request's start to its answer's end, ms"),
  sticky: z.boolean().describe("a client stays with one instance"),
  hstsSeconds: z.number().int().min(0).max(63_072_000).describe("of Strict-Transport-Security"),
  accessLog: z.boolean().describe("a line for each request; on unless said"),
  assetFallback: z.boolean().describe("ask the standby for assets that are gone; on unless said"),
  holdMs: ms(MINUTE).describe("how long a request waits for an instance, ms"),
};
const routingSchema = z.strictObject(fields).partial();
const routingBody = z
  .strictObject({
    maintenance: fields.maintenance.nullable(),
    httpsRedirect: fields.httpsRedirect.nullable(),
    canonicalHost: fields.canonicalHost.nullable(),
    maxBodyBytes: fields.maxBodyBytes.nullable(),
    headersMs: fields.headersMs.nullable(),
    responseMs: fields.responseMs.nullable(),
    sticky: fields.sticky.nullable(),
    hstsSeconds: fields.hstsSeconds.nullable(),
    accessLog: fields.accessLog.nullable(),
    assetFallback: fields.assetFallback.nullable(),
    holdMs: fields.holdMs.nullable(),
  })
  .partial()
  .meta({ description: "what is to change; null takes a field away" });
const page = z.string().min(1).max(MAX_PAGE_BYTES).describe("HTML");
const changed = z.object({ deploy: deploySchema.nullable() });

/** What the router does for one app. */
export function routingRoutes(options: ApiOptions): Route[] {
  const { store } = options;
  return [
    route({
      method: "get",
      path: "/apps/:app/routing",
      summary: "What the router does for the app beyond passing requests on",
      subject: "app",
      needs: "read",
      answer: z.object({
        routing: routingSchema,
        pages: z.partialRecord(z.enum(PAGES), z.number().int()).describe("page to its bytes"),
      }),
      async handle({ subject }) {
        const { options: told } = await store.getSettings(subject.name);
        const pages = PAGES.flatMap((name) => {
          const html = told[`page.${name}`];
          return html === undefined ? [] : [[name, Buffer.byteLength(html)]];
        });
        return { routing: routingOf(told), pages: Object.fromEntries(pages) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/routing",
      summary: "Change what the router does for the app; `deploy` is null when nothing is live yet",
      subject: "app",
      needs: "push",
      body: routingBody,
      status: 202,
      answer: changed,
      handle: async ({ subject, body, identity }) => ({
        deploy: await changeRouting(options, {
          app: subject.name,
          by: identity.name,
          fields: body,
        }),
      }),
    }),
    route({
      method: "post",
      path: "/apps/:app/maintenance",
      summary: "Whether the app is in maintenance, and with which page",
      subject: "app",
      needs: "push",
      body: z.strictObject({ on: z.boolean(), page: page.optional() }),
      status: 202,
      answer: changed,
      handle: async ({ subject, body, identity }) => ({
        deploy: await changeRouting(options, {
          app: subject.name,
          by: identity.name,
          fields: { maintenance: body.on || null },
          ...(body.page !== undefined && { pages: { maintenance: body.page } }),
        }),
      }),
    }),
    route({
      method: "post",
      path: "/apps/:app/pages/:page",
      summary: "A page of the app's own: for maintenance, or instead of the router's 502, 503, 504",
      subject: "app",
      needs: "push",
      body: z.strictObject({ html: page }),
      status: 202,
      answer: changed,
      handle: async ({ subject, params, body, identity }) => ({
        deploy: await changeRouting(options, {
          app: subject.name,
          by: identity.name,
          pages: { [pageName(params["page"])]: body.html },
        }),
      }),
    }),
    route({
      method: "delete",
      path: "/apps/:app/pages/:page",
      summary: "The router's own page again",
      subject: "app",
      needs: "push",
      status: 202,
      answer: changed,
      handle: async ({ subject, params, identity }) => ({
        deploy: await changeRouting(options, {
          app: subject.name,
          by: identity.name,
          pages: { [pageName(params["page"])]: null },
        }),
      }),
    }),
  ];
}

function pageName(given = ""): (typeof PAGES)[number] {
  const name = PAGES.find((one) => one === given);
  if (name) return name;
  const detail = `no page '${given.slice(0, 40)}': there are ${PAGES.join(", ")}`;
  throw new TealError("bad-request", { detail });
}
