import { z } from "zod";
import { readAppFacts } from "../app-facts.ts";
import { resourcesOf } from "../app-resources.ts";
import { findingsOf } from "../findings.ts";
import { inspectInstances } from "../inspect.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { findingSchema, inspectedSchema, resourceSchema } from "./schemas-doctor.ts";

const inspectQuery = z.object({
  ps: z
    .string()
    .regex(/^[\w-]{1,60}\.\d{1,6}$/, "an instance such as web.1")
    .optional()
    .describe("one instance; all unless said"),
});

/** What is wrong with an app, and what runs of it. */
export function doctorRoutes(options: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/doctor",
      summary:
        "What is wrong with the app, with figures and what to do; and what it takes of each resource",
      subject: "app",
      needs: "read",
      slow: true,
      answer: z.object({
        app: z.string(),
        findings: z.array(findingSchema),
        resources: z.array(resourceSchema),
      }),
      async handle({ subject }) {
        const facts = await readAppFacts(options, subject);
        const [findings, resources] = [findingsOf(facts), resourcesOf(facts)];
        return { app: subject.name, findings, resources };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/inspect",
      summary: "What instances are made of and use right now; of their environment the names alone",
      subject: "app",
      needs: "read",
      slow: true,
      query: inspectQuery,
      answer: z.object({ instances: z.array(inspectedSchema) }),
      async handle({ subject, query }) {
        return { instances: await inspectInstances(options, subject, query.ps) };
      },
    }),
  ];
}
