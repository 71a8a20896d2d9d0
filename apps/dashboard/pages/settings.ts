import { showBuild } from "../../build-options.ts";
import { build, buildForms } from "../build.ts";
import { html, part } from "../html.ts";
import { guard, keepingForms, retention } from "../keeping.ts";
import { page, type PageOptions, type Route } from "../route.ts";
import { storage, storageForms } from "../storage.ts";

/** What of an app is set once: guard, storage, how it is built, what is kept. */
export function settingsPages(options: PageOptions): Route[] {
  const { store } = options;
  return [
    page<"app">({
      path: "/apps/:app/settings",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, mayPush }) {
        const { options: told } = await store.getSettings(name);
        const main = html`<h1>Settings</h1>
          ${part("guard", (own) => html`<section ${own}>${guard(name, told.guard ?? {}, mayPush)}</section>`)}
          ${part("storage", (own) => html`<section ${own}>${storage(name, told.storage?.mounts ?? [], mayPush)}</section>`)}
          ${part("build", (own) => html`<section ${own}>${build(name, showBuild(told.build ?? {}), mayPush)}</section>`)}
          ${part("retention", (own) => html`<section ${own}>${retention(name, told.retention ?? {}, mayPush)}</section>`)}`;
        return { title: `Settings of ${name}`, main, app: name, tab: "settings" };
      },
    }),
    ...keepingForms(options),
    ...storageForms(options),
    ...buildForms(options),
  ];
}
