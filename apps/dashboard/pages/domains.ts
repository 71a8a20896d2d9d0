import { defaultHost } from "../../address.ts";
import { appForm } from "../asking.ts";
import { certificateForm, certificateForms, certificateList } from "../certificates.ts";
import { readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

/** Where an app answers, and with which certificates. */
export function domainPages(options: PageOptions): Route[] {
  const { store, settings, certificates, acme } = options;
  return [
    page<"app">({
      path: "/apps/:app/domains",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, mayPush }) {
        const [{ domains, options: told }, held, failed] = await Promise.all([
          store.getSettings(name),
          certificates.list(name),
          acme.attempts(name),
        ]);
        const orders = settings.acme === null ? null : told.certificates?.auto !== false;
        const seen = { app: name, held, failed, orders, mayPush };
        const main = html`${domainPage(name, defaultHost(name, settings), domains, mayPush)}
        ${part("certificates", (own) => html`<section ${own}>${certificateList(seen)}</section>`)}
        ${mayPush && certificateForm(name)}`;
        return { title: `Domains of ${name}`, main, app: name, tab: "domains" };
      },
    }),
    appForm(options, {
      path: "/apps/:app/domains/add",
      needs: "push",
      action: "add a domain",
      asks: (sent) => ({
        route: "post /apps/:app/domains",
        body: { host: readText(sent, "host") },
      }),
      goes: "/domains",
    }),
    appForm(options, {
      path: "/apps/:app/domains/remove",
      needs: "push",
      action: "remove a domain",
      asks: (sent) => ({
        route: "delete /apps/:app/domains/:host",
        params: { host: readText(sent, "host") },
      }),
      goes: "/domains",
    }),
    ...certificateForms(options),
  ];
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
                    harms: true,
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
