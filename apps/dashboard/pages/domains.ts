import { defaultHost } from "../../address.ts";
import type { Certificate } from "../../certificates.ts";
import { normaliseHost } from "../../hosts.ts";
import type { SettingsChange } from "../../types.ts";
import { count } from "../format.ts";
import { readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";

/** Where an app answers. */
export function domainPages({ store, deploys, settings, certificates }: PageOptions): Route[] {
  async function change(app: string, by: string, host: string, wish: SettingsChange) {
    await store.changeSettings(app, wish);
    const why = `${wish.addDomains ? "add" : "remove"} ${host}`;
    await deploys.change({ app, kind: "domains", by, why });
    return `/apps/${app}/domains`;
  }

  return [
    page<"app">({
      path: "/apps/:app/domains",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, mayPush }) {
        const [{ domains }, held] = await Promise.all([
          store.getSettings(name),
          certificates.list(name),
        ]);
        const main = html`${domainPage(name, defaultHost(name, settings), domains, mayPush)}
        ${part("certificates", (own) => html`<section ${own}>${certificateList(held)}</section>`)}`;
        return { title: `Domains of ${name}`, main, app: name, tab: "domains" };
      },
    }),
    form<"app">({
      path: "/apps/:app/domains/add",
      subject: "app",
      needs: "push",
      action: "add a domain",
      take({ subject: { name }, identity }, sent) {
        const host = normaliseHost(readText(sent, "host").slice(0, 300), settings);
        return change(name, identity.name, host, { addDomains: [host] });
      },
    }),
    form<"app">({
      path: "/apps/:app/domains/remove",
      subject: "app",
      needs: "push",
      action: "remove a domain",
      take({ subject: { name }, identity }, sent) {
        const host = normaliseHost(readText(sent, "host").slice(0, 300), settings);
        return change(name, identity.name, host, { removeDomains: [host] });
      },
    }),
  ];
}

const DAY = 24 * 3600 * 1000;
/** Days before its end at which a certificate is shown in red. */
const SOON = 14;

function certificateList(all: Certificate[]): Html {
  const row = ({ names, issuer, source, notAfter }: Certificate) => {
    const days = Math.floor((notAfter - Date.now()) / DAY);
    const left = days >= 0 ? `${count(days, "day")} left` : "has ended";
    return html`<li>
      <code class="name">${names.join(" ")}</code>
      <span class="value soft">
        ${source === "acme" ? "ordered by the platform" : "your own"}, from ${issuer}
      </span>
      <b class="${days < SOON && "bad"}">${left}</b>
      <small>until ${new Date(notAfter).toISOString().slice(0, 10)}</small>
    </li>`;
  };
  return html`<h2>Certificates</h2>
    ${
      all.length > 0
        ? html`<ul class="vars">
            ${all.map(row)}
          </ul>`
        : empty("None: the app answers by http.")
    }`;
}

function domainPage(app: string, own: string, domains: string[], mayPush: boolean): Html {
  return html`<h1>Domains</h1>
    ${part(
      "domains",
      (attributes) =>
        html`<ul class="vars" ${attributes}>
          <li>
            <code class="name">${own}</code> <span class="soft">the platform's name for it</span>
          </li>
          ${domains.map(
            (host) =>
              html`<li>
                <code class="name">${host}</code>
                ${
                  mayPush &&
                  confirm({
                    id: `remove-${host.replaceAll(/[^a-z0-9]/g, "-")}`,
                    button: `Remove ${host}`,
                    look: "quiet",
                    action: `/apps/${app}/domains/remove`,
                    yes: "Remove it",
                    says: html`<b>${host}</b> is answered with 404 from then on, and another app may
                      have it.`,
                    fields: { host },
                  })
                }
              </li>`,
          )}
        </ul>`,
    )}
    ${
      mayPush &&
      html`<section aria-labelledby="add-title">
        <h2 id="add-title">Add</h2>
        <form class="sheet" method="post" action="/apps/${app}/domains/add">
          <label
            >Host
            <input
              name="host"
              required
              placeholder="shop.example.com"
              autocomplete="off"
              spellcheck="false"
          /></label>
          <button class="primary">Add the domain</button>
          <p class="hint">Point its address record at this machine. It is this app's at once.</p>
        </form>
      </section>`
    }`;
}
