import type { App } from "../types.ts";
import { html, part, type Html } from "./html.ts";
import { lanes, roleOf } from "./pieces.ts";
import type { DashboardOptions, Shown } from "./route.ts";

/** A page of an app with the app above it: which one it is, what is live of it and what is not. */
export async function withWhere(
  shown: Shown,
  { store }: Pick<DashboardOptions, "store">,
): Promise<Shown> {
  if (shown.app === undefined || shown.tab === "overview") return shown;
  const app = await store.getApp(shown.app);
  if (!app) return shown;
  const { options: told } = await store.getSettings(app.name);
  const shut = told.stopped ? "stopped" : told["routing.maintenance"] ? "in maintenance" : null;
  const main = html`${part("where", (own) => html`<p class="where" ${own}>${where(app, shut)}</p>`)}
  ${shown.main}`;
  return { ...shown, main };
}

function where(app: App, shut: "stopped" | "in maintenance" | null): Html {
  const slots = [app.live, app.held, app.standby].filter((slot) => slot !== null);
  return html`${lanes({ ...app, stopped: shut === "stopped" })}
    <a href="/apps/${app.name}"><b>${app.name}</b></a>
    ${shut !== null && html`<span class="state failed">${shut}</span>`}
    ${
      slots.length > 0
        ? slots.map(
            ({ colour, release }) =>
              html`<span>
                <b class="word ${colour}">${colour}</b> v${release} ${roleOf(app, colour)}
              </span>`,
          )
        : html`<span class="soft">never live</span>`
    }`;
}
