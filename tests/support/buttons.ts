import type { Locator, Page } from "playwright-core";
import type { Route } from "../../apps/dashboard/route.ts";

/** What the button of a form does: where it is sent, and what tells it from its siblings. `/apps/:app/hold hold=on` */
export type Action = string;

interface Sending {
  path: string;
  /** Of the button itself, and of fields that nobody sees. */
  sends: [name: string, value: string][];
}

/** Names of what tells buttons of one form apart. */
const VARIANTS = ["auto", "hold", "on"];

interface Field {
  name: string;
  value: string;
}

interface Button extends Field {
  form: { action: string; querySelectorAll(selector: string): Iterable<Field> };
}

/** What a button sends; runs in the page. */
function sendingOf(button: Button): Sending {
  const hidden = [...button.form.querySelectorAll("input[type=hidden]")];
  return {
    path: new URL(button.form.action).pathname,
    sends: [...hidden, button].map((one) => [one.name, one.value]),
  };
}

/** What every form's buttons do in the page, and the buttons that do neither this nor open a dialog. */
export async function actionsOf(
  page: Page,
  routes: readonly Route[],
): Promise<{ actions: Action[]; strays: string[] }> {
  const found = await page.evaluate<{ sendings: Sending[]; strays: string[] }>(`({
    sendings: [...document.querySelectorAll('form[method=post] button:not([type=button])')].map(${sendingOf.toString()}),
    strays: [...document.querySelectorAll('button')]
      .filter((one) => one.type === 'button' ? !one.hasAttribute('popovertarget') : !one.form)
      .map((one) => one.outerHTML),
  })`);
  const actions = found.sendings.map((sending) => named(sending, routes));
  return { actions, strays: found.strays };
}

/** What a form's button does. */
export async function actionOf(button: Locator, routes: readonly Route[]): Promise<Action> {
  return named(await button.evaluate<Sending, Button>(sendingOf), routes);
}

function named({ path, sends }: Sending, routes: readonly Route[]): Action {
  const form = routes.find((one) => one.kind === "form" && patternOf(one.path).test(path));
  const told = sends.filter(([name]) => VARIANTS.includes(name));
  return [form?.path ?? path, ...told.map(([name, value]) => `${name}=${value}`)].join(" ");
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/:\w+/g, "[^/]+")}$`);
}

/** Pages of the dashboard, filled in for the apps; those of a deploy for `deploys`, of a delivery for `deliveries`. */
export function pathsOf(
  routes: readonly Route[],
  apps: readonly string[],
  { deploys, deliveries }: { deploys: readonly string[]; deliveries: readonly string[] },
): string[] {
  return routes
    .filter((one) => one.kind === "page")
    .flatMap(({ path }) => {
      if (path.includes(":deploy"))
        return deploys.map((id) => fill(path, id.replace(/-\d+$/, ""), id));
      if (path.includes(":delivery")) return deliveries.map((id) => fill(path, "shop", id));
      return path.includes(":app") ? apps.map((app) => fill(path, app)) : [path];
    });
}

function fill(path: string, app: string, one = ""): string {
  return path.replace(":app", app).replace(/:deploy|:delivery/, one);
}
