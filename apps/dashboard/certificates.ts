import type { Attempt } from "../acme.ts";
import type { Certificate } from "../certificates.ts";
import { appForm } from "./asking.ts";
import { count, until, when } from "./format.ts";
import { readChoice, readText } from "./forms.ts";
import { html, type Html } from "./html.ts";
import { confirm, empty } from "./pieces.ts";
import type { PageOptions, Route } from "./route.ts";

const DAY = 24 * 3600 * 1000;
/** Days before its end at which a certificate is shown in red. */
const SOON = 14;

interface Seen {
  app: string;
  held: Certificate[];
  /** Hosts whose last order did not succeed. */
  failed: Attempt[];
  /** The platform orders and renews them; null: it does for no app. */
  orders: boolean | null;
  mayPush: boolean;
}

/** Certificates with what is left of them, and whether the platform sees to them. */
export function certificateList({ app, held, failed, orders, mayPush }: Seen): Html {
  return html`<h2>Certificates</h2>
    ${ordering(app, orders, mayPush)}
    ${
      held.length > 0
        ? html`<ul class="vars">
            ${held.map((one) => row(one, mayPush))}
          </ul>`
        : empty("None: the app answers by http.")
    }
    ${failed.map(
      ({ host, failures, error, at, nextAt }) =>
        html`<p class="alert">
          <b>${host}</b>: ${count(failures, "order")} failed, the last ${when(at)}: ${error} Tried
          again ${until(nextAt)}.
        </p>`,
    )}`;
}

function ordering(app: string, orders: boolean | null, mayPush: boolean): Html {
  if (orders === null) {
    return html`<p class="hint">
      The platform orders none: it was not given a certificate authority (<code>TEAL_ACME</code>).
    </p>`;
  }
  return html`<form class="line" method="post" action="/apps/${app}/certs/auto">
    <p>
      ${
        orders
          ? "The platform orders one for each host and renews it in time."
          : "The platform orders none for this app."
      }
    </p>
    ${
      mayPush &&
      html`<button class="quiet" name="auto" value="${orders ? "off" : "on"}">
        ${orders ? "Order none" : "Order and renew"}
      </button>`
    }
  </form>`;
}

function row({ id, app, names, issuer, source, notAfter }: Certificate, mayPush: boolean): Html {
  const days = Math.floor((notAfter - Date.now()) / DAY);
  const left = days >= 0 ? `${count(days, "day")} left` : "has ended";
  return html`<li>
    <code class="name">${names.join(" ")}</code>
    <span class="value soft">
      ${source === "acme" ? "ordered by the platform" : "your own"}, from ${issuer}
    </span>
    <b class="${days < SOON && "bad"}">${left}</b>
    <small>until ${new Date(notAfter).toISOString().slice(0, 10)}</small>
    ${
      mayPush &&
      confirm({
        id: `remove-cert-${id}`,
        button: "Remove",
        look: "quiet",
        harms: true,
        action: `/apps/${app}/certs/remove`,
        yes: "Remove the certificate",
        says: html`From the next connection on <b>${names.join(", ")}</b> is served with another
          certificate, if there is one; else browsers warn.`,
        fields: { id },
      })
    }
  </li>`;
}

/** A certificate of somebody's own, as PEM. */
export function certificateForm(app: string): Html {
  return html`<section aria-labelledby="cert-title">
    <h2 id="cert-title">A certificate of your own</h2>
    <form class="sheet" method="post" action="/apps/${app}/certs/add">
      <label
        >Certificate, then each one's issuer
        <textarea
          name="certificate"
          rows="4"
          required
          spellcheck="false"
          placeholder="-----BEGIN CERTIFICATE-----"
        ></textarea>
      </label>
      <label
        >Key
        <textarea
          name="key"
          rows="3"
          autocomplete="off"
          spellcheck="false"
          placeholder="-----BEGIN PRIVATE KEY-----"
        ></textarea>
      </label>
      <button class="primary">Serve with it</button>
      <p class="hint">
        Kept sealed. It is checked first: its key, its time, its chain, and that it names a host of
        the app.
      </p>
    </form>
  </section>`;
}

export function certificateForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/certs/add",
      needs: "push",
      action: "add a certificate",
      asks: (sent) => ({
        route: "post /apps/:app/certs",
        body: { certificate: readText(sent, "certificate"), key: sent.get("key") ?? "" },
      }),
      goes: "/domains",
    }),
    appForm(options, {
      path: "/apps/:app/certs/auto",
      needs: "push",
      action: "have certificates ordered",
      asks: (sent) => ({
        route: "post /apps/:app/certs/auto",
        body: { auto: readChoice(sent, "auto", ["on", "off"]) === "on" },
      }),
      goes: "/domains",
    }),
    appForm(options, {
      path: "/apps/:app/certs/remove",
      needs: "push",
      action: "remove a certificate",
      asks: (sent) => ({
        route: "delete /apps/:app/certs/:certificate",
        params: { certificate: readText(sent, "id") },
      }),
      goes: "/domains",
    }),
  ];
}
