import { createHash } from "node:crypto";
import type { Identity } from "../access.ts";
import type { AppView } from "../views.ts";
import { html, type Html } from "./html.ts";
import { layout, when } from "./layout.ts";

/** All apps at a glance. @param url where git pushes to */
export function homePage(
  apps: AppView[],
  commits: Map<string, string>,
  identity: Identity,
): string {
  const main = html`<h1>Apps</h1>
    ${
      apps.length === 0
        ? html`<section class="empty">
            <p>No apps yet. Push one:</p>
            <pre>
git remote add deploy http://HOST:PORT/git/APP.git
git push deploy main</pre>
          </section>`
        : html`<ul class="apps">
            ${apps.map((app) => card(app, commits.get(app.name)))}
          </ul>`
    }`;
  return layout({ title: "Apps", main, identity, live: { path: "/events", state: stateOf(apps) } });
}

function card(app: AppView, commit: string | undefined): Html {
  const last = app.lastDeploy;
  return html`<li>
    <a href="/apps/${app.name}">
      ${lamps(app)}
      <span class="name">${app.name}</span>
      <span class="what">
        ${
          app.live
            ? html`<b class="word ${app.live.colour}">${app.live.colour}</b> v${app.live.release}
                <code>${commit?.slice(0, 7)}</code>`
            : "never live"
        }
      </span>
      <span class="last">
        ${last ? html`<span class="state ${last.state}">${last.state}</span> ${when(last.createdAt)}` : "no deploy yet"}
      </span>
    </a>
  </li>`;
}

/** The two colours of an app: full is live, ring is warm. */
function lamps({ live, standby }: AppView): Html {
  const lamp = (colour: "blue" | "green") => {
    const state = live?.colour === colour ? "live" : standby?.colour === colour ? "warm" : "idle";
    return html`<i
      class="lamp ${colour} ${state}"
      role="img"
      aria-label="${colour} is ${state}"
    ></i>`;
  };
  return html`<span class="lamps">${lamp("blue")}${lamp("green")}</span>`;
}

/** Changes whenever what is shown does. */
export function stateOf(shown: unknown): string {
  return createHash("sha256").update(JSON.stringify(shown)).digest("base64url").slice(0, 16);
}
