import { z } from "zod";
import { TealError } from "../errors.ts";
import { diffReleases } from "../diff.ts";
import { markRelease } from "../irreversible.ts";
import type { Retained } from "../retention.ts";
import { readRetained } from "../retention-facts.ts";
import type { App, Release } from "../types.ts";
import { viewReleases, type ReleaseView } from "../views.ts";
import { pageOf } from "./page.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { diffSchema, releaseSchema, rollbackBody } from "./schemas-releases.ts";
import { deploySchema, nextPage, pageQuery } from "./schemas.ts";

const irreversibleBody = z.strictObject({ irreversible: z.boolean() });
const releasesQuery = pageQuery.extend({
  before: z.coerce.number().int().min(1).optional().describe("only releases with a smaller number"),
});

export function releaseRoutes(options: ApiOptions): Route[] {
  const { store, deploys, secrets } = options;
  return [
    route({
      method: "get",
      path: "/apps/:app/releases",
      summary: "The app's releases, newest first",
      subject: "app",
      needs: "read",
      query: releasesQuery,
      pages: "before",
      answer: z.object({ releases: z.array(releaseSchema), next: nextPage }),
      async handle({ subject, query }) {
        const { before = Infinity, limit } = query;
        const all = await store.listReleases(subject.name);
        const rest = all.filter((release) => release.n < before);
        const { items, next } = pageOf(rest, limit, (release) => release.n);
        return { releases: await viewReleases(subject, items, options), next };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/releases/:release",
      summary: "One release, by its number (`3` or `v3`)",
      subject: "app",
      needs: "read",
      answer: releaseSchema.extend({
        retained: z
          .object({ kept: z.boolean(), why: z.string() })
          .describe(
            "whether its image stays at the next garbage collection, and why; TEAL_IMAGES comes before it",
          ),
      }),
      async handle({ subject, params }) {
        const release = await find(subject, params["release"] ?? "");
        const all = await store.listReleases(subject.name);
        const [views, retained] = await Promise.all([
          viewReleases(subject, [release], options),
          readRetained(
            subject,
            all.filter(({ n }) => n >= release.n),
            store,
          ),
        ]);
        return {
          ...(views[0] as ReleaseView),
          retained: retained.get(release.n) as Retained,
        };
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/releases/:release/diff/:other",
      summary: "What changed from one release to another; config by its names alone",
      subject: "app",
      needs: "read",
      answer: diffSchema,
      async handle({ subject, params }) {
        const [from, to] = await Promise.all([
          find(subject, params["release"] ?? ""),
          find(subject, params["other"] ?? ""),
        ]);
        return diffReleases(secrets, from, to);
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/releases/:release/irreversible",
      summary: "Whether older code no longer works after this release",
      subject: "app",
      needs: "push",
      body: irreversibleBody,
      answer: irreversibleBody,
      async handle({ subject, params, body: { irreversible } }) {
        const { n } = await find(subject, params["release"] ?? "");
        const { options: told } = await store.getSettings(subject.name);
        const change = markRelease(told, n, irreversible);
        await store.changeSettings(subject.name, { options: change });
        return { irreversible };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/rollback",
      summary: "Go back: to the warm standby, or to the release `to`",
      subject: "app",
      needs: "push",
      body: rollbackBody,
      status: 202,
      answer: z.object({ deploy: deploySchema }),
      async handle({ subject, body, identity }) {
        const wish = { app: subject.name, by: identity.name, why: body.why ?? "" };
        const to = body.to === undefined ? {} : { to: body.to };
        const part = body.part === undefined ? {} : { part: body.part };
        return {
          deploy: await deploys.rollback({
            ...wish,
            force: body.force,
            runRelease: body.runRelease,
            ...to,
            ...part,
          }),
        };
      },
    }),
  ];

  async function find(app: App, given: string): Promise<Release> {
    const n = /^v?(\d{1,9})$/.exec(given)?.[1];
    const release = n ? await store.getRelease(app.name, Number(n)) : null;
    if (!release) throw new TealError("release-not-found", { name: app.name, release: given });
    return release;
  }
}
