import { z } from "zod";
import { createSourceDeploys } from "../source-deploys.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { deploySchema, promoteAfter } from "./schemas.ts";

const deployBody = z.strictObject({
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/, "all 40 digits of a commit")
    .optional()
    .describe("in the app's repository"),
  ref: z.string().max(200).optional().describe("a branch or tag of the app's repository"),
  image: z.string().max(600).optional().describe("an image to run, in place of one to build"),
  hold: z.boolean().optional().describe("wait in the idle colour to be promoted"),
  promoteAfter: promoteAfter.optional(),
  irreversible: z.boolean().optional().describe("older code no longer works after it"),
  fresh: z.boolean().optional().describe("build without cache"),
  verbose: z.boolean().optional().describe("all that the builder says goes into the log"),
  why: z.string().max(500).optional(),
});
const archiveQuery = z.object({
  strip: z
    .enum(["auto", "no"])
    .default("auto")
    .describe("auto: a single folder around everything is left out"),
});

/** Deploys without a push: of a commit that is there, of an archive, of an image. */
export function sourceRoutes(options: ApiOptions): Route[] {
  const sources = createSourceDeploys(options);
  return [
    route({
      method: "post",
      path: "/apps/:app/deploys",
      summary: "Deploy a commit, branch or tag of the app's repository, or an image",
      subject: "app",
      needs: "push",
      body: deployBody,
      status: 202,
      slow: true,
      answer: z.object({ deploy: deploySchema }),
      async handle({ subject, body, identity }) {
        const given = Object.entries(body).filter(([, value]) => value !== undefined);
        const wish = Object.fromEntries(given);
        return { deploy: await sources.deploy(subject, wish, identity.name) };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/archives",
      summary: "Upload a tar archive (plain or gzip) of source as a commit, to be deployed by it",
      subject: "app",
      needs: "push",
      query: archiveQuery,
      upload: "application/gzip",
      slow: true,
      status: 201,
      answer: z.object({ commit: z.string() }),
      async handle({ subject, query, upload }) {
        return { commit: await sources.importArchive(subject, upload, query.strip) };
      },
    }),
  ];
}
