import { describeCrash, type Crash } from "../../crashes.ts";
import { checkRows } from "../../check-rows.ts";
import { TealError } from "../../errors.ts";
import type { App, AppSettings, Release } from "../../types.ts";
import { appForm } from "../asking.ts";
import { duration, when } from "../format.ts";
import { holdForm, holding } from "../holding.ts";
import { html, part, type Html } from "../html.ts";
import { instancesOf, instanceTable } from "../instances.ts";
import { limitForms, limitRoutes } from "../limits.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

/** Crashes that are shown. */
const CRASHES = 20;

/** What of an app runs, and how: scale, restart, stop, checks, limits, hold, crashes. */
export function processPages(options: PageOptions): Route[] {
  const { store, recent, crashes } = options;
  return [
    page<"app">({
      path: "/apps/:app/processes",
      subject: "app",
      needs: "read",
      async show({ subject: app, mayPush }) {
        const [settings, release, instances, samples, crashed] = await Promise.all([
          store.getSettings(app.name),
          app.live && store.getRelease(app.name, app.live.release),
          instancesOf(app, options),
          recent.of(app.name),
          crashes.list(app.name),
        ]);
        const types = Object.keys(release?.processes ?? {});
        const runtime = settings.options.runtime ?? {};
        const main = html`<h1>Processes</h1>
          ${part(
            "formation",
            (own) =>
              html`<div ${own}>
                ${release ? formation(app, release, settings, mayPush) : empty("Nothing is live yet: push a first version.")}
              </div>`,
          )}
          ${part(
            "instances",
            (own) =>
              html`<section ${own}>
                <h2>Instances</h2>
                ${instanceTable(instances, samples)}
              </section>`,
          )}
          ${part("crashes", (own) => html`<section ${own}>${crashList(crashed)}</section>`)}
          ${part("checks", (own) => html`<section ${own}>${release && checks(release)}</section>`)}
          ${part("limits", (own) => html`<section ${own}>${release && limitForms(app.name, types, runtime, mayPush)}</section>`)}
          ${mayPush && part("hold", (own) => html`<div ${own}>${holding(app.name, settings)}</div>`)}`;
        return { title: `Processes of ${app.name}`, main, app: app.name, tab: "processes" };
      },
    }),
    ...processForms(options),
    ...limitRoutes(options),
    holdForm(options),
  ];
}

function processForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/scale",
      needs: "push",
      action: "scale",
      asks: (sent) => ({
        route: "post /apps/:app/formation",
        body: {
          formation: Object.fromEntries([...sent].map(([name, n]) => [name, readCount(name, n)])),
        },
      }),
      goes: "/processes",
    }),
    appForm(options, {
      path: "/apps/:app/restart",
      needs: "push",
      action: "restart",
      asks: () => ({ route: "post /apps/:app/restart" }),
      goes: "",
    }),
    appForm(options, {
      path: "/apps/:app/stop",
      needs: "push",
      action: "stop the app",
      asks: () => ({ route: "post /apps/:app/stop" }),
      goes: "",
    }),
    appForm(options, {
      path: "/apps/:app/start",
      needs: "push",
      action: "start the app",
      asks: () => ({ route: "post /apps/:app/start" }),
      goes: "",
    }),
  ];
}

function formation(app: App, release: Release, settings: AppSettings, mayPush: boolean): Html {
  const types = Object.entries(release.processes).filter(([name]) => name !== "release");
  return html`<form class="sheet" method="post" action="/apps/${app.name}/scale">
      ${types.map(([name, command]) => {
        const count = settings.formation[name] ?? release.defaults?.[name] ?? 1;
        return html`<label class="scale">
          <b>${name}</b> <code>${command || "the image's own command"}</code>
          <input
            type="number"
            name="${name}"
            value="${count}"
            min="${name === "web" ? 1 : 0}"
            max="100"
            required
            ${!mayPush && html`disabled`}
          />
        </label>`;
      })}
      ${mayPush && html`<button class="primary">Scale</button>`}
      <p class="hint">Into the live colour, without a swap. No request is lost.</p>
    </form>
    ${
      mayPush &&
      html`<div class="buttons">
        ${confirm({
          id: "ask-restart",
          button: "Restart",
          look: "quiet",
          action: `/apps/${app.name}/restart`,
          yes: "Restart through the idle colour",
          says: "The same version is started in the idle colour with what is set now, checked, and swapped in. No request is dropped.",
        })}
        ${stopOrStart(app.name, settings.options.stopped === true)}
      </div>`
    }`;
}

function stopOrStart(app: string, stopped: boolean): Html {
  return stopped
    ? confirm({
        id: "ask-start",
        button: "Start",
        action: `/apps/${app}/start`,
        yes: "Start it",
        says: "Its instances are started and checked again; then routers pass requests on to it.",
      })
    : confirm({
        id: "ask-stop",
        button: "Stop",
        look: "danger",
        action: `/apps/${app}/stop`,
        yes: "Stop it",
        says: "Routers answer 503, and all that runs of it is stopped, until somebody starts it again.",
      });
}

/** What its app.json says of when an instance is well. */
function checks(release: Release): Html {
  return html`<h2>Checks</h2>
    <div class="scrolls" tabindex="0" role="group" aria-label="Checks">
      <table>
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col">Check</th>
            <th scope="col">When</th>
            <th scope="col" class="number">Tries</th>
            <th scope="col" class="number">Each within</th>
            <th scope="col" class="number">Between</th>
          </tr>
        </thead>
        <tbody>
          ${checkRows(release).map(
            ({ process, check, when: time, attempts, timeoutMs, waitMs, warn }) =>
              html`<tr>
                <th scope="row">${process}</th>
                <td><code>${check}</code>${warn && " (only told)"}</td>
                <td>${time}</td>
                <td class="number">${attempts ?? "while the deploy waits"}</td>
                <td class="number">${timeoutMs === null ? "–" : duration(timeoutMs)}</td>
                <td class="number">${waitMs === null ? "–" : duration(waitMs)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="hint">
      As <code>app.json</code> of v${release.n} says, under <code>healthchecks</code>.
    </p>`;
}

function crashList(all: Crash[]): Html {
  const newest = all.toReversed();
  return html`<h2>Crashes</h2>
    ${
      newest.length > 0
        ? html`<ul class="rows">
            ${newest.slice(0, CRASHES).map(
              (one) =>
                html`<li class="row">
                  <b>v${one.release}</b> <span>${describeCrash(one)}</span>
                  <span class="soft">${when(one.at)}</span>
                </li>`,
            )}
          </ul>`
        : empty("None of late.")
    }`;
}

function readCount(process: string, value: string): number {
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new TealError("bad-formation", {
    name: "",
    detail: `A number was expected for ${process.slice(0, 60)}, and ${value.slice(0, 60)} came`,
  });
}
