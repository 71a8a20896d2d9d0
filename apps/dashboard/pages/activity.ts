import { isEventId, type AuditEvent } from "../../audit.ts";
import { when } from "../format.ts";
import { html, part, type Html } from "../html.ts";
import { empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

const SHOWN = 100;

/** Who did what, when, from where: of one app, and of all that somebody may see. */
export function activityPages({ audit, access }: PageOptions): Route[] {
  return [
    page<"platform">({
      path: "/activity",
      subject: "platform",
      needs: "token",
      async show({ identity, query }) {
        const readable = ({ app }: AuditEvent) =>
          access.may(identity, "admin") || (app !== null && access.may(identity, "read", app));
        const events = await audit.list({ readable, ...placeOf(query) });
        return { title: "Activity", main: activity(events, "/activity") };
      },
    }),
    page<"app">({
      path: "/apps/:app/activity",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, query }) {
        const events = await audit.list({ app: name, ...placeOf(query) });
        const main = activity(events, `/apps/${name}/activity`);
        return { title: `Activity of ${name}`, main, app: name, tab: "activity" };
      },
    }),
  ];
}

function placeOf(query: URLSearchParams): { limit: number; before?: string } {
  const before = query.get("before");
  return before !== null && isEventId(before) ? { limit: SHOWN, before } : { limit: SHOWN };
}

function activity(events: AuditEvent[], path: string): Html {
  const last = events.length === SHOWN ? events.at(-1) : undefined;
  return html`<h1>Activity</h1>
    ${part(
      "events",
      (own) =>
        html`<section ${own} aria-label="Who did what">
          ${
            events.length > 0
              ? html`<ul class="rows">
                  ${events.map(row)}
                </ul>`
              : empty("Nothing yet.")
          }
          ${last && html`<p><a href="${path}?before=${last.id}">Older</a></p>`}
        </section>`,
    )}`;
}

const LOOKS = { done: "live", refused: "held", failed: "failed" } as const;

function row({ at, who, over, address, action, app, outcome, error, detail, deploy }: AuditEvent) {
  const details = Object.entries(detail ?? {}).map(([name, value]) => `${name}: ${value}`);
  return html`<li class="row">
    <span class="state ${LOOKS[outcome]}">${outcome}</span>
    <b>${who ?? "somebody"}</b> <code>${action}</code>
    ${app !== null && html`<a href="/apps/${app}">${app}</a>`}
    ${deploy !== undefined && app !== null && html`<a href="/apps/${app}/deploys/${deploy}">${deploy}</a>`}
    ${details.length > 0 && html`<span class="soft">${details.join(", ")}</span>`}
    <span class="soft">over ${over}${address !== null && ` from ${address}`}, ${when(at)}</span>
    ${error !== undefined && html`<span class="error quiet">${error}</span>`}
  </li>`;
}
