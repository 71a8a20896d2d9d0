import { TealError } from "../errors.ts";
import type { App, AppSettings, Release } from "../types.ts";
import { appForm } from "./asking.ts";
import { html, type Html } from "./html.ts";
import { confirm } from "./pieces.ts";
import type { PageOptions, Route } from "./route.ts";

/** How many run of each process type, and buttons for all of them. */
export function formation(
  app: App,
  release: Release,
  settings: AppSettings,
  mayPush: boolean,
): Html {
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

export function formationForms(options: PageOptions): Route[] {
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

function readCount(process: string, value: string): number {
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new TealError("bad-formation", {
    name: "",
    detail: `A number was expected for ${process.slice(0, 60)}, and ${value.slice(0, 60)} came`,
  });
}
