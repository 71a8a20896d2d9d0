import { z } from "zod";
import { type Retention, RETENTION_RANGES, retentionLimits } from "../retention.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const within = (name: keyof Retention, about: string) => {
  const [least, most] = RETENTION_RANGES[name];
  return z.number().int().min(least).max(most).describe(about);
};
const keep = within("keep", "so many of the newest good releases keep their image");
const days = within("days", "of these, those that are not older");
const retentionBody = z
  .strictObject({ keep: keep.nullable(), days: days.nullable() })
  .partial()
  .meta({ description: "what is to change; null: as for every app" });
const answer = z.object({ keep, days: days.nullable().describe("null: however old they are") });

/** Which releases of an app keep their image. */
export function retentionRoutes({ store }: ApiOptions): Route[] {
  const show = async (app: string) =>
    retentionLimits((await store.getSettings(app)).options.retention);
  return [
    route({
      method: "get",
      path: "/apps/:app/retention",
      summary: "Which releases keep their image",
      subject: "app",
      needs: "read",
      answer,
      handle: ({ subject }) => show(subject.name),
    }),
    route({
      method: "post",
      path: "/apps/:app/retention",
      summary: "Change which releases keep their image; from the next garbage collection on",
      subject: "app",
      needs: "push",
      body: retentionBody,
      answer,
      async handle({ subject, body }) {
        const { retention: told } = (await store.getSettings(subject.name)).options;
        const kept = Object.entries({ ...told, ...body }).filter(([, value]) => value !== null);
        const retention: Retention | null = kept.length > 0 ? Object.fromEntries(kept) : null;
        await store.changeSettings(subject.name, { options: { retention } });
        return show(subject.name);
      },
    }),
  ];
}
