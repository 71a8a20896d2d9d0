import { z } from "zod";
import { TealError } from "../errors.ts";
import { KEEP_DEPLOYS } from "../store-scripts.ts";
import { deployEvents, eventStream, isLineId } from "../event-stream.ts";
import { pageOf } from "./page.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { deploySchema, lineSchema, logQuery, nextPage, pageQuery } from "./schemas.ts";

const deploysQuery = pageQuery.extend({
  before: z.coerce.number().int().min(1).optional().describe("only deploys with a smaller seq"),
});

export function deployRoutes({ store, deploys, deployLog }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/deploys",
      summary: "The app's deploys, newest first",
      subject: "app",
      needs: "read",
      query: deploysQuery,
      pages: "before",
      answer: z.object({ deploys: z.array(deploySchema), next: nextPage }),
      async handle({ subject, query: { before = Infinity, limit } }) {
        // The store keeps no more than it takes to list.
        const many = before === Infinity ? limit + 1 : KEEP_DEPLOYS * 2;
        const all = await store.listDeploys(subject.name, many);
        const rest = all.filter((deploy) => deploy.seq < before);
        const { items, next } = pageOf(rest, limit, (deploy) => deploy.seq);
        return { deploys: items, next };
      },
    }),
    route({
      method: "get",
      path: "/deploys/:deploy",
      summary: "One deploy, with what its steps took and found",
      subject: "deploy",
      needs: "read",
      answer: deploySchema.extend({ steps: z.record(z.string(), z.unknown()) }),
      handle: async ({ subject }) => ({ ...subject, steps: await store.getSteps(subject.id) }),
    }),
    route({
      method: "get",
      path: "/deploys/:deploy/log",
      summary: "The deploy's log; with `follow=1` or `Accept: text/event-stream` as it grows",
      subject: "deploy",
      needs: "read",
      query: logQuery,
      answer: z.object({ lines: z.array(lineSchema) }),
      events: true,
      async handle({ subject, query, wantsEvents, lastEventId, stillAllowed }) {
        const after = lastEventId ?? query.after;
        if (after !== undefined && !isLineId(after)) {
          throw new TealError("bad-request", {
            detail: "the id to go on from is not one of a log line",
          });
        }
        if (!wantsEvents && query.follow === "0") {
          return { lines: await deployLog.read(subject.id, after, query.limit) };
        }
        const events = (signal: AbortSignal) =>
          deployEvents({ store, deployLog }, subject.id, after, signal);
        return eventStream(events, stillAllowed);
      },
    }),
    route({
      method: "post",
      path: "/deploys/:deploy/cancel",
      summary: "Cancel a deploy; one that runs is asked to stop",
      subject: "deploy",
      needs: "push",
      body: z.strictObject({}),
      status: 202,
      answer: z.object({ deploy: deploySchema }),
      async handle({ subject, identity }) {
        return { deploy: await deploys.cancel(subject.id, identity.name) };
      },
    }),
  ];
}
