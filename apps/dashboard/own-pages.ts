import type { AppOptions } from "../options.ts";
import { PAGES, type PageName } from "../routing.ts";
import { appForm } from "./asking.ts";
import { readChoice, readText } from "./forms.ts";
import { html, type Html } from "./html.ts";
import { confirm } from "./pieces.ts";
import type { PageOptions, Route } from "./route.ts";

const WHEN: Record<PageName, string> = {
  maintenance: "while in maintenance",
  "502": "the app broke off",
  "503": "no instance is there",
  "504": "the app took too long",
};

/** The pages that routers send in the app's name. */
export function ownPages(app: string, told: AppOptions, mayPush: boolean): Html {
  const bytes = (name: PageName) => Buffer.byteLength(told[`page.${name}`] ?? "");
  return html`<h2>Pages</h2>
    <ul class="vars">
      ${PAGES.map(
        (name) =>
          html`<li>
            <b class="name">${name}</b>
            <span class="value soft"
              >${WHEN[name]}:
              ${bytes(name) > 0 ? `the app's own, ${bytes(name)} bytes` : "the router's"}</span
            >
            ${
              mayPush &&
              bytes(name) > 0 &&
              confirm({
                id: `remove-page-${name}`,
                button: "Remove",
                look: "quiet",
                harms: true,
                action: `/apps/${app}/pages/remove`,
                yes: "Remove the page",
                says: `The router's own page is sent for ${name} again.`,
                fields: { page: name },
              })
            }
          </li>`,
      )}
    </ul>
    ${mayPush && pageForm(app)}`;
}

function pageForm(app: string): Html {
  return html`<form class="sheet" method="post" action="/apps/${app}/pages/set">
    <label>
      Page
      <select name="page">
        ${PAGES.map((one) => html`<option>${one}</option>`)}
      </select>
    </label>
    <label
      >HTML
      <textarea
        name="html"
        rows="5"
        required
        spellcheck="false"
        placeholder="<!doctype html><title>Back soon</title>…"
      ></textarea>
    </label>
    <button class="primary">Send this page</button>
    <p class="hint">At most 64 KiB; images and styles within it.</p>
  </form>`;
}

export function ownPageForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/pages/set",
      needs: "push",
      action: "change a page",
      asks: (sent) => ({
        route: "post /apps/:app/pages/:page",
        params: { page: readChoice(sent, "page", PAGES) },
        body: { html: readText(sent, "html") },
      }),
      goes: "/routing",
    }),
    appForm(options, {
      path: "/apps/:app/pages/remove",
      needs: "push",
      action: "remove a page",
      asks: (sent) => ({
        route: "delete /apps/:app/pages/:page",
        params: { page: readChoice(sent, "page", PAGES) },
      }),
      goes: "/routing",
    }),
  ];
}
