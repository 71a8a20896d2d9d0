import type { Identity } from "../access.ts";
import type { TealError } from "../errors.ts";
import { stateOf } from "./feed.ts";
import { html, type Html } from "./html.ts";
import type { Shown, Tab } from "./route.ts";
import { staticPath } from "./static.ts";

/** What a page is made of; `live` is the address of its stream. */
interface Page extends Shown {
  identity?: Identity;
  live?: string;
}

/** Where people can sign in besides. */
interface Provider {
  name: string;
  href: string;
}
const STYLES = [
  "style",
  "frame",
  "forms",
  "dialogs",
  "lists",
  "tables",
  "home",
  "stage",
  "charts",
  "deploys",
  "log",
];

const TABS: [Tab, string, string][] = [
  ["overview", "Overview", ""],
  ["deploys", "Deploys", "/deploys"],
  ["releases", "Releases", "/releases"],
  ["logs", "Logs", "/logs"],
  ["config", "Config", "/config"],
  ["processes", "Processes", "/processes"],
  ["cron", "Cron", "/cron"],
  ["domains", "Domains", "/domains"],
  ["routing", "Routing", "/routing"],
  ["webhooks", "Webhooks", "/webhooks"],
  ["notifications", "Notifications", "/notifications"],
  ["people", "People", "/people"],
  ["settings", "Settings", "/settings"],
  ["activity", "Activity", "/activity"],
];

/** The whole document. Scripts and styles come from /static only. */
export function layout({ title, main, identity, live, app, tab, from = [] }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Teal</title>
        <link rel="icon" href="${staticPath("teal.svg")}" type="image/svg+xml" />
        ${STYLES.map((name) => html`<link rel="stylesheet" href="${staticPath(`${name}.css`)}" />`)}
        <script type="module" src="${staticPath("main.js")}"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/"
            ><img src="${staticPath("teal.svg")}" alt="" width="34" height="22" />Teal</a
          >
          ${identity && platformNav(identity, app === undefined ? title : "")}
          ${identity && account(identity)}
        </header>
        ${app !== undefined && appNav(app, tab)}
        <main
          id="main"
          tabindex="-1"
          data-live="${live}"
          data-from="${[stateOf(main.parts ?? []), ...from].join("~")}"
        >
          ${main}
        </main>
        <p class="toast" id="done" aria-hidden="true" hidden>Done</p>
        <p class="hidden" role="status" aria-live="polite" id="said"></p>
      </body>
    </html>`.markup;
}

function platformNav(identity: Identity, here: string): Html {
  const link = (path: string, text: string) =>
    html`<a href="${path}" ${here === text && html`aria-current="page"`}>${text}</a>`;
  return html`<nav class="platform" aria-label="Platform">
    ${link("/", "Apps")} ${link("/activity", "Activity")}
    ${identity.role === "admin" && [link("/users", "Users"), link("/access", "Access")]}
  </nav>`;
}

function appNav(app: string, tab: Tab | undefined): Html {
  return html`<nav class="tabs" aria-label="${app}">
    <ul>
      ${TABS.map(
        ([id, text, path]) =>
          html`<li>
            <a href="/apps/${app}${path}" ${id === tab && html`aria-current="page"`}>${text}</a>
          </li>`,
      )}
    </ul>
  </nav>`;
}

function account(identity: Identity): Html {
  return html`<form class="account" method="post" action="/sign-out">
    <span class="link" data-link="on" hidden>live</span>
    <span class="who">${identity.name} <small>${identity.role}</small></span>
    <button class="quiet">Sign out</button>
  </form>`;
}

/** @param failed what was wrong with the last try */
export function signInPage(provider: Provider | null, failed?: string): string {
  const main = html`<section class="sign-in">
    <h1>Sign in</h1>
    ${failed && html`<p class="alert" role="alert">${failed}</p>`}
    ${
      provider &&
      html`<p>
        <a class="button primary" href="${provider.href}">Sign in with ${provider.name}</a>
      </p>`
    }
    <form method="post" action="/sign-in">
      <label for="token">Token or invitation</label>
      <input
        id="token"
        name="token"
        type="password"
        autocomplete="current-password"
        required
        autofocus
      />
      <button class="primary">Sign in</button>
    </form>
    <p class="hint">
      The first one lies in <code>TEAL_HOME/admin-token</code> on the platform's machine.
    </p>
  </section>`;
  return layout({ title: "Sign in", main });
}

/**
 * Who comes back from another site has a session now, which the browser sends with what this page
 * asks for, and not with where that site sent it.
 */
export function signedInPage(identity: Identity): string {
  const main = html`<section class="sign-in">
    <h1>Signed in</h1>
    <p><a href="/">All apps</a></p>
  </section>`;
  return layout({ title: "Signed in", main, identity });
}

/** @param comes the page was only read, and what fails now may be there in a moment */
export function errorPage(error: TealError, identity?: Identity, comes = false): string {
  const main = html`<section class="sign-in failure" ${comes && html`data-comes`}>
    <h1>${error.says}</h1>
    <p>${error.todo}</p>
    ${comes && html`<p class="hint" role="status">This page comes by itself when it can.</p>`}
    <p><a href="/">All apps</a></p>
  </section>`;
  return layout({ title: "Error", main, ...(identity && { identity }) });
}
