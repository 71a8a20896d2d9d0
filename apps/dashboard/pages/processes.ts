import { TealError } from "../../errors.ts";
import { scaleApp } from "../../formation.ts";
import type { App, AppSettings, Release } from "../../types.ts";
import { duration } from "../format.ts";
import { readChoice } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { instancesOf, instanceTable } from "../instances.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";

/** What of an app runs, and how many: scale, restart, hold, checks. */
export function processPages(options: PageOptions): Route[] {
  const { store, deploys, recent } = options;
  return [
    page<"app">({
      path: "/apps/:app/processes",
      subject: "app",
      needs: "read",
      async show({ subject: app, mayPush }) {
        const [settings, release, instances, samples] = await Promise.all([
          store.getSettings(app.name),
          app.live && store.getRelease(app.name, app.live.release),
          instancesOf(app, options),
          recent.of(app.name),
        ]);
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
          ${release && checks(release)}
          ${mayPush && part("hold", (own) => html`<div ${own}>${holding(app, settings)}</div>`)}`;
        return { title: `Processes of ${app.name}`, main, app: app.name, tab: "processes" };
      },
    }),
    form<"app">({
      path: "/apps/:app/scale",
      subject: "app",
      needs: "push",
      action: "scale",
      async take({ subject: { name: app }, identity }, sent) {
        const given = [...sent].map(([process, value]) => [process, readCount(process, value)]);
        const wish = { app, formation: Object.fromEntries(given), by: identity.name };
        await scaleApp({ store, deploys }, wish);
        return `/apps/${app}/processes`;
      },
    }),
    form<"app">({
      path: "/apps/:app/restart",
      subject: "app",
      needs: "push",
      action: "restart",
      async take({ subject: { name: app }, identity }) {
        await deploys.restart({ app, by: identity.name });
        return `/apps/${app}`;
      },
    }),
    form<"app">({
      path: "/apps/:app/hold",
      subject: "app",
      needs: "push",
      action: "hold new versions",
      async take({ subject: { name: app } }, sent) {
        const hold = readChoice(sent, "hold", ["on", "off"]) === "on";
        await store.changeSettings(app, { hold });
        return `/apps/${app}/processes`;
      },
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
            max="20"
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
      confirm({
        id: "ask-restart",
        button: "Restart",
        look: "quiet",
        action: `/apps/${app.name}/restart`,
        yes: "Restart through the idle colour",
        says: "The same version is started in the idle colour with what is set now, checked, and swapped in. No request is dropped.",
      })
    }`;
}

function checks({ check, port }: Release): Html {
  return html`<section>
    <h2>Check</h2>
    <p>
      ${
        check
          ? html`<code>GET ${check.path}</code> answers with
              2xx${
                check.content &&
                html` and
                  <q>${check.content}</q>`
              },
              each try within ${duration(check.timeoutMs)}, all within ${duration(check.withinMs)}.`
          : html`Port ${port} listens and answers HTTP with a status below 500.`
      }
    </p>
  </section>`;
}

function holding(app: App, { hold }: AppSettings): Html {
  return html`<section>
    <h2>Hold</h2>
    <form method="post" action="/apps/${app.name}/hold">
      <p>
        ${
          hold
            ? "New versions wait in the idle colour until they are promoted."
            : "New versions become live as soon as they are healthy."
        }
      </p>
      <button class="quiet" name="hold" value="${hold ? "off" : "on"}">
        ${hold ? "Swap at once again" : "Hold new versions"}
      </button>
    </form>
  </section>`;
}

function readCount(process: string, value: string): number {
  if (/^\d{1,3}$/.test(value)) return Number(value);
  throw new TealError("bad-formation", {
    name: "",
    detail: `A number was expected for ${process.slice(0, 60)}, and ${value.slice(0, 60)} came`,
  });
}
