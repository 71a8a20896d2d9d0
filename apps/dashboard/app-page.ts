import type { Identity } from "../access.ts";
import type { Colour, Deploy, Release, Slot } from "../types.ts";
import { statusOf, type AppView, type InstanceView, type ReleaseView } from "../views.ts";
import { stateOf } from "./home.ts";
import { html, type Html } from "./html.ts";
import { duration, layout, when } from "./layout.ts";

export interface AppPage {
  app: AppView;
  releases: ReleaseView[];
  deploys: Deploy[];
  instances: InstanceView[];
  /** The releases that the slots answer as. */
  slots: Record<Colour, Release | null>;
}

/** One app. @param mayPush shows what changes something */
export function appPage(page: AppPage, identity: Identity, mayPush: boolean): string {
  const { app, releases, deploys } = page;
  const main = html`<nav class="crumbs"><a href="/">Apps</a></nav>
    <div class="title">
      <h1>${app.name}</h1>
      <a class="address" href="${app.url}" rel="noreferrer">${app.url}</a>
    </div>
    ${app.state === "destroying" && html`<p class="alert">This app is being destroyed.</p>`}
    <section class="colours" aria-label="The two colours">
      ${colourPanel("blue", page)}
      <span class="swap" aria-hidden="true">⇄</span>
      ${colourPanel("green", page)}
    </section>
    ${mayPush && app.standby && app.live && rollbackToStandby(app.name, app.live, app.standby)}
    <section>
      <h2>Deploys</h2>
      ${deploys.length === 0 ? html`<p class="hint">None yet.</p>` : deployTable(deploys)}
    </section>
    <section>
      <h2>Releases</h2>
      ${releases.length === 0 && html`<p class="hint">None yet: push one.</p>`}
      <ol class="timeline">
        ${releases.map((release) => timelineRow(release, app, mayPush))}
      </ol>
    </section>`;
  const live = { path: `/apps/${app.name}/events`, state: stateOf(page) };
  return layout({ title: app.name, main, identity, live });
}

function colourPanel(colour: Colour, { app, instances, slots }: AppPage): Html {
  const slot = [app.live, app.held, app.standby].find((one) => one?.colour === colour);
  const mine = instances.filter((one) => one.colour === colour && one.state !== "removed");
  if (!slot) {
    return html`<article class="panel ${colour} idle">
      <h2>${colour}</h2>
      <p class="role">${mine.length > 0 ? "starting" : "idle"}</p>
      ${instanceList(mine)}
    </article>`;
  }
  const live = slot === app.live;
  const release = slots[colour];
  return html`<article class="panel ${colour} ${live ? "live" : "warm"}">
    <h2>${colour}</h2>
    <p class="role">
      ${live ? "live" : slot === app.held ? "held" : "standby"} since ${when(slot.since)}
    </p>
    <p class="release">v${slot.release} <code>${release?.commit.slice(0, 7)}</code></p>
    <p class="why">${release?.why}${release && html` <small>by ${release.by}</small>`}</p>
    ${instanceList(mine)}
  </article>`;
}

function instanceList(instances: InstanceView[]): Html {
  return html`<ul class="instances">
    ${instances.map((one) => html`<li><b>${one.process}.${one.index}</b> v${one.release} ${statusOf(one)}</li>`)}
  </ul>`;
}

function rollbackToStandby(app: string, live: Slot, standby: Slot): Html {
  return html`<details class="confirm">
    <summary class="button primary">Roll back to v${standby.release}</summary>
    <form method="post" action="/apps/${app}/rollback">
      <p>
        <b class="word ${standby.colour}">${standby.colour}</b> still runs v${standby.release} and
        takes over at once; <b class="word ${live.colour}">${live.colour}</b> (v${live.release})
        stays warm. No request is dropped.
      </p>
      <button class="primary">Swap now</button>
    </form>
  </details>`;
}

function deployTable(deploys: Deploy[]): Html {
  return html`<ul class="deploys">
    ${deploys.map(
      (one) =>
        html`<li>
          <a href="/apps/${one.app}/deploys/${one.id}">
            <span class="state ${one.state}">${one.state}</span>
            <b>${one.id}</b>
            <span
              >${one.kind === "rollback" && one.toRelease ? `rollback to v${one.toRelease}` : one.kind}</span
            >
            <code>${one.commit?.slice(0, 7)}</code>
            <span>${one.by}</span>
            <span
              >${when(one.createdAt)}${one.finishedAt && ` · ${duration(one.finishedAt - one.createdAt)}`}</span
            >
            ${one.error && html`<span class="error">${one.error}</span>`}
          </a>
        </li>`,
    )}
  </ul>`;
}

function originOf(kind: ReleaseView["kind"], why: string, rollbackOf: number | undefined): string {
  if (kind === "push") return why || "push";
  return kind === "rollback" ? `rollback to v${rollbackOf ?? "?"}` : `${kind}: ${why}`;
}

function timelineRow(release: ReleaseView, app: AppView, mayPush: boolean): Html {
  const { n, status, colour, commit, kind, rollbackOf, by, why, createdAt } = release;
  return html`<li class="${status} ${colour}">
    <b>v${n}</b> <span class="status">${status}</span> <code>${commit.slice(0, 7)}</code>
    <span>${originOf(kind, why, rollbackOf)}</span>
    <small>${by}, ${when(createdAt)}</small>
    ${
      mayPush &&
      status === "kept" &&
      html`<details class="confirm">
        <summary class="button quiet">Roll back to v${n}</summary>
        <form method="post" action="/apps/${app.name}/rollback">
          <input type="hidden" name="to" value="${n}" />
          <p>
            v${n} is started in the idle colour from its kept image, checked, and then swapped in.
          </p>
          <button class="primary">Roll back</button>
        </form>
      </details>`
    }
  </li>`;
}
