import { createAppConfig, type ConfigVar } from "../../app-config.ts";
import type { App } from "../../types.ts";
import { appForm } from "../asking.ts";
import { readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route, type Shown } from "../route.ts";

/** An app's config: names, masked values that are shown when asked for, set and unset. */
export function configPages(options: PageOptions): Route[] {
  const appConfig = createAppConfig(options);
  const shown = (app: App, vars: ConfigVar[], mayPush: boolean, revealed: boolean): Shown => ({
    title: `Config of ${app.name}`,
    main: configPage(app.name, vars, mayPush, revealed),
    app: app.name,
    tab: "config",
  });
  return [
    page<"app">({
      path: "/apps/:app/config",
      subject: "app",
      needs: "read",
      show: async ({ subject, mayPush }) =>
        shown(subject, await appConfig.read(subject, false), mayPush, false),
    }),
    form<"app">({
      path: "/apps/:app/config/reveal",
      subject: "app",
      needs: "push",
      action: "see config values",
      async take({ subject }) {
        const vars = await appConfig.read(subject, true);
        return shown(subject, vars, true, true);
      },
    }),
    appForm(options, {
      path: "/apps/:app/config/set",
      needs: "push",
      action: "change the config",
      asks: (sent) => ({
        route: "post /apps/:app/config",
        body: {
          set: { [readText(sent, "name")]: sent.get("value") ?? "" },
          restart: !sent.has("later"),
        },
      }),
      goes: "/config",
    }),
    appForm(options, {
      path: "/apps/:app/config/unset",
      needs: "push",
      action: "change the config",
      asks: (sent) => ({
        route: "post /apps/:app/config",
        body: { unset: [readText(sent, "name")] },
      }),
      goes: "/config",
    }),
  ];
}

function configPage(app: string, vars: ConfigVar[], mayPush: boolean, revealed: boolean): Html {
  return html`${part("head", (own) => html`<div class="title" ${own}>${heading(app, vars, mayPush, revealed)}</div>`)}
    <p class="hint">
      What the app finds in its environment. A change is a release of its own, through the same
      checks and the same swap; a rollback brings its config back too.
    </p>
    ${part(
      "vars",
      (own) =>
        html`<section ${own} aria-label="Names and values">
          ${vars.length > 0 ? table(app, vars, mayPush) : empty("No config yet.")}
        </section>`,
    )}
    ${mayPush && setForm(app)}`;
}

function heading(app: string, vars: ConfigVar[], mayPush: boolean, revealed: boolean): Html {
  if (!mayPush || vars.length === 0) return html`<h1>Config</h1>`;
  if (revealed) {
    return html`<h1>Config</h1>
      <a class="button quiet" href="/apps/${app}/config">Hide the values</a>`;
  }
  return html`<h1>Config</h1>
    <form method="post" action="/apps/${app}/config/reveal" data-plain>
      <button class="quiet">Show the values</button>
    </form>`;
}

function table(app: string, vars: ConfigVar[], mayPush: boolean): Html {
  return html`<ul class="vars">
    ${vars.map(
      ({ name, value, staged }) =>
        html`<li>
          <code class="name">${name}</code>
          <code class="value">${value ?? "goes with the next release"}</code>
          ${staged && html`<span class="state queued">not live yet</span>`}
          ${
            mayPush &&
            value !== null &&
            confirm({
              id: `unset-${name}`,
              button: `Unset ${name}`,
              look: "quiet",
              harms: true,
              action: `/apps/${app}/config/unset`,
              yes: "Unset and release",
              says: html`<code>${name}</code> is taken away by a release of its own: the app starts
                anew in the idle colour, is checked, and swapped in.`,
              fields: { name },
            })
          }
        </li>`,
    )}
  </ul>`;
}

function setForm(app: string): Html {
  return html`<section aria-labelledby="set-title">
    <h2 id="set-title">Set</h2>
    <form class="sheet" method="post" action="/apps/${app}/config/set">
      <label
        >Name
        <input
          name="name"
          required
          pattern="[A-Za-z_][A-Za-z0-9_]*"
          autocomplete="off"
          spellcheck="false"
      /></label>
      <label
        >Value <textarea name="value" rows="2" autocomplete="off" spellcheck="false"></textarea>
      </label>
      <label class="check"
        ><input type="checkbox" name="later" /> With the next release, not at once</label
      >
      <button class="primary">Set and release</button>
    </form>
  </section>`;
}
