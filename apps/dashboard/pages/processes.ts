import { checks, crashList } from "../checks.ts";
import { formation, formationForms } from "../formation.ts";
import { holdForm, holding } from "../holding.ts";
import { html, part } from "../html.ts";
import { instancesOf, instanceTable } from "../instances.ts";
import { limitForms, limitRoutes } from "../limits.ts";
import { empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

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
                ${instanceTable(instances, samples, settings.options.stopped === true)}
              </section>`,
          )}
          ${part("crashes", (own) => html`<section ${own}>${crashList(crashed)}</section>`)}
          ${part("checks", (own) => html`<section ${own}>${release && checks(release)}</section>`)}
          ${part("limits", (own) => html`<section ${own}>${release && limitForms(app.name, types, runtime, mayPush)}</section>`)}
          ${mayPush && part("hold", (own) => html`<div ${own}>${holding(app.name, settings)}</div>`)}`;
        return { title: `Processes of ${app.name}`, main, app: app.name, tab: "processes" };
      },
    }),
    ...formationForms(options),
    ...limitRoutes(options),
    holdForm(options),
  ];
}
