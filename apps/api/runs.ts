import { z } from "zod";
import { TealError } from "../errors.ts";
import { bridge } from "../run-bridge.ts";
import { type Run, runWish } from "../run-protocol.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { Upgrade } from "./upgrade.ts";

const answer = z.object({
  id: z.string(),
  app: z.string(),
  release: z.number().int(),
}) satisfies z.ZodType<Run>;

/** One-off commands. */
export function runRoutes({ workers }: ApiOptions): Route[] {
  return [
    route({
      method: "post",
      path: "/apps/:app/runs",
      summary: "Run a command in a new container of the live release, or in an instance",
      subject: "app",
      needs: "push",
      body: runWish,
      status: 201,
      slow: true,
      answer,
      async handle({ subject, identity, body: wish }) {
        if (wish.command.length === 0 && wish.inside === undefined) {
          throw new TealError("bad-request", { detail: "in the body, command: one was expected" });
        }
        if (wish.detached && wish.inside !== undefined) {
          throw new TealError("bad-request", { detail: "in an instance nothing runs detached" });
        }
        const { name: app } = subject;
        return workers.ask<Run>("POST", "/runs", { app, by: identity.name, wish });
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/runs/:run/attach",
      summary: "Be attached to a command, by WebSocket, within 15 s of asking for it",
      subject: "app",
      needs: "push",
      answer: z.unknown(),
      slow: true,
      async handle({ subject, params, wantsSocket, stillAllowed }) {
        const { run = "" } = params;
        const path = `/apps/${subject.name}/runs/${run}/attach`;
        if (!wantsSocket) throw new TealError("upgrade-expected", { path });
        if (!/^[0-9a-f]{8}$/.test(run)) throw new TealError("run-not-found");
        const worker = await workers.connect(`/apps/${subject.name}/runs/${run}`);
        return new Upgrade((client) => bridge(client, worker, stillAllowed));
      },
    }),
  ];
}
