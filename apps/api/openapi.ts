import { z } from "zod";
import type { Route } from "./route.ts";
import { problemSchema } from "./schemas.ts";

/** The OpenAPI 3.1 document of the routes, made from the same schemas that check requests. */
export function describeApi(routes: Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const one of routes) {
    const path = one.path.replaceAll(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[one.method] = describeRoute(one);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Teal", version: "1", description: "Blue/green deployments by git push." },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: schemaOf(problemSchema, "output") },
      responses: { Problem: problemResponse() },
      headers: {
        Limit: numberHeader("requests that may be sent in a minute"),
        Remaining: numberHeader("how many of them are left"),
        Reset: numberHeader("seconds until the minute is over"),
      },
    },
  };
}

function describeRoute(one: Route): object {
  const parameters = [
    ...pathParameters(one.path),
    ...queryParameters(one.query),
    ...headerParameters(one),
  ];
  return {
    summary: one.summary,
    operationId: operationId(one),
    ...(one.needs === "nothing" && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(one.body && { requestBody: { content: json(schemaOf(one.body, "input")) } }),
    ...(one.upload && {
      requestBody: { content: { [one.upload]: { schema: { type: "string", format: "binary" } } } },
    }),
    responses: {
      [one.status ?? 200]: {
        description: "done",
        headers: HEADERS,
        ...(one.answer && {
          content: {
            ...json(schemaOf(one.answer, "output")),
            ...(one.events && { "text/event-stream": { schema: { type: "string" } } }),
          },
        }),
      },
      ...Object.fromEntries(statusesOf(one).map((status) => [status, PROBLEM])),
      default: PROBLEM,
    },
  };
}

const PROBLEM = { $ref: "#/components/responses/Problem" };
const HEADERS = {
  "RateLimit-Limit": { $ref: "#/components/headers/Limit" },
  "RateLimit-Remaining": { $ref: "#/components/headers/Remaining" },
  "RateLimit-Reset": { $ref: "#/components/headers/Reset" },
};

function problemResponse(): object {
  const schema = { $ref: "#/components/schemas/Problem" };
  return { description: "an error", content: { "application/problem+json": { schema } } };
}

/** The errors that a caller must reckon with, by status; others are under `default`. */
function statusesOf({
  method,
  path,
  subject,
  needs,
  query,
  body,
  upload,
  status,
}: Route): number[] {
  return [
    ...(query || body ? [400] : []),
    ...(needs === "nothing" ? [] : [401]),
    ...(method !== "get" || !["nothing", "token", "read"].includes(needs) ? [403] : []),
    ...(subject !== "platform" || path.includes("/:") ? [404] : []),
    ...(status === 202 ? [409] : []),
    ...(body || upload ? [413] : []),
    ...(body ? [415] : []),
    ...(status === 202 ? [422] : []),
    ...[429, 503],
  ];
}

function headerParameters({ method, status, events }: Route): object[] {
  const header = (name: string, description: string) => ({
    ...{ name, in: "header", required: false, description },
    schema: { type: "string" },
  });
  const once = "the same key with the same request gives the same answer, for a day";
  const resume = "of a stream: the last event that came";
  return [
    ...(method === "post" && status === 202 ? [header("Idempotency-Key", once)] : []),
    ...(events ? [header("Last-Event-ID", resume)] : []),
  ];
}

function numberHeader(description: string): object {
  return { description, schema: { type: "integer" } };
}

function json(schema: object): Record<string, object> {
  return { "application/json": { schema } };
}

/** GET /apps/:app/ps becomes `getAppsPsByApp`. */
function operationId({ method, path }: Route): string {
  const words = path.split("/").filter(Boolean);
  const fixed = words
    .filter((w) => !w.startsWith(":"))
    .map(capital)
    .join("");
  const given = words
    .filter((w) => w.startsWith(":"))
    .map((w) => `By${capital(w.slice(1))}`)
    .join("");
  return method + fixed + given;
}

function capital(word: string): string {
  return word.replaceAll(/(?:^|[^a-z])([a-z])/gi, (_, letter: string) => letter.toUpperCase());
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodType | undefined): object[] {
  if (!query) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input");
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
function schemaOf(schema: z.ZodType, io: "input" | "output") {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
