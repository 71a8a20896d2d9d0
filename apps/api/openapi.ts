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
    },
  };
}

function describeRoute(one: Route): object {
  const parameters = [...pathParameters(one.path), ...queryParameters(one.query)];
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
        ...(one.answer && {
          content: {
            ...json(schemaOf(one.answer, "output")),
            ...(one.events && { "text/event-stream": { schema: { type: "string" } } }),
          },
        }),
      },
      default: {
        description: "an error",
        content: {
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        },
      },
    },
  };
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
