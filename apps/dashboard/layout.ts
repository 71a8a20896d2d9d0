import type { Identity } from "../access.ts";
import type { TealError } from "../errors.ts";
import { html, type Html } from "./html.ts";

/** What a page is made of; `live` is the path of the stream that says when `state` has changed. */
interface Page {
  title: string;
  main: Html;
  identity?: Identity;
  live?: { path: string; state: string };
}

/** The whole document. Scripts and styles come from /static only. */
export function layout({ title, main, identity, live }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Teal</title>
        <link rel="icon" href="/static/teal.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/static/style.css" />
        <script type="module" src="/static/live.js"></script>
      </head>
      <body>
        <header class="top">
          <a class="brand" href="/"
            ><img src="/static/teal.svg" alt="" width="34" height="22" />Teal</a
          >
          ${identity && account(identity)}
        </header>
        <main data-live="${live?.path}" data-state="${live?.state}">${main}</main>
      </body>
    </html>`.markup;
}

function account(identity: Identity): Html {
  return html`<form class="account" method="post" action="/sign-out">
    <span>${identity.name} <small>${identity.role}</small></span>
    <button class="quiet">Sign out</button>
  </form>`;
}

/** @param failed what was wrong with the last try */
export function signInPage(failed?: string): string {
  const main = html`<section class="sign-in">
    <h1>Sign in</h1>
    ${failed && html`<p class="alert" role="alert">${failed}</p>`}
    <form method="post" action="/sign-in">
      <label for="token">Token</label>
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

export function errorPage(error: TealError, identity?: Identity): string {
  const main = html`<section class="sign-in">
    <h1>${error.says}</h1>
    <p>${error.todo}</p>
    <p><a href="/">All apps</a></p>
  </section>`;
  return layout({ title: "Error", main, ...(identity && { identity }) });
}

/** When something was, as people say it; the script keeps it current. */
export function when(at: number): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${agoText(at, Date.now())}</time>`;
}

function agoText(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / 1440)} d ago`;
}

/** "38 ms", "4.2 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
