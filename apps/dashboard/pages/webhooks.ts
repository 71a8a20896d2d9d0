import { TealError } from "../../errors.ts";
import { PROVIDERS, type Sender } from "../../senders.ts";
import { hookPath } from "../../public-url.ts";
import { when } from "../format.ts";
import { readChoice, readText, readWords } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { deliveryList, deliveryPage } from "../deliveries.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";

const SHOWN = 50;

/** Who outside may ask for deploys of an app, and what came. */
export function webhookPages({ senders, webhooks, access, publicUrl }: PageOptions): Route[] {
  return [
    page<"app">({
      path: "/apps/:app/webhooks",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, identity, mayPush }) {
        const [all, deliveries] = await Promise.all([
          senders.list(name),
          senders.deliveries(name, SHOWN),
        ]);
        const mayAdmin = access.may(identity, "admin", name);
        const main = html`<h1>Webhooks</h1>
          <p class="hint">A CI that is trusted here deploys what it has passed.</p>
          ${part("senders", (own) => html`<section ${own} aria-label="Senders">${senderList(all, publicUrl, mayAdmin)}</section>`)}
          ${part(
            "deliveries",
            (own) =>
              html`<section ${own}>
                <h2>Deliveries</h2>
                ${deliveries.length > 0 ? deliveryList(name, deliveries, mayPush) : empty("None yet.")}
              </section>`,
          )}
          ${mayAdmin && addForm(name)}`;
        return { title: `Webhooks of ${name}`, main, app: name, tab: "webhooks" };
      },
    }),
    page<"app">({
      path: "/apps/:app/webhooks/:delivery",
      subject: "app",
      needs: "push",
      async show({ subject: { name: app }, params }) {
        const id = (params["delivery"] ?? "").slice(0, 200);
        const [came, all] = await Promise.all([senders.came(app, id), senders.deliveries(app)]);
        const delivery = all.find((one) => one.key === id);
        if (!came || !delivery) throw new TealError("delivery-gone", { app, id });
        const main = deliveryPage(app, delivery, came);
        return { title: `Delivery ${id}`, main, app, tab: "webhooks" };
      },
    }),
    form<"app">({
      path: "/apps/:app/webhooks/redeliver",
      subject: "app",
      needs: "push",
      action: "redeliver",
      async take({ subject: { name }, identity }, sent) {
        await webhooks.redeliver(name, readText(sent, "key").slice(0, 200), identity.name);
        return `/apps/${name}/webhooks`;
      },
    }),
    form<"app">({
      path: "/apps/:app/webhooks/add",
      subject: "app",
      needs: "admin",
      action: "add a webhook",
      async take({ subject: { name }, identity }, sent) {
        const wish = {
          provider: readChoice(sent, "provider", PROVIDERS),
          ...(sent.get("branch") && { branch: readText(sent, "branch") }),
          ...(sent.get("repo") && { repo: readText(sent, "repo") }),
          ...(sent.get("image") && { image: readText(sent, "image") }),
          ...(sent.get("credential") && { token: readText(sent, "credential") }),
          paths: readWords(sent, "paths"),
        };
        const { sender, secret } = await senders.add(name, wish, identity.name);
        const main = madeOnce(`/apps/${name}/webhooks`, [
          ["Address", publicUrl + hookPath(sender, secret)],
          ["Secret", secret],
        ]);
        return { title: "A new webhook", main, app: name, tab: "webhooks" };
      },
    }),
    form<"app">({
      path: "/apps/:app/webhooks/remove",
      subject: "app",
      needs: "admin",
      action: "remove a webhook",
      async take({ subject: { name } }, sent) {
        const id = readText(sent, "id").slice(0, 200);
        if (!(await senders.remove(name, id)))
          throw new TealError("sender-not-found", { app: name, id });
        return `/apps/${name}/webhooks`;
      },
    }),
  ];
}

/** What is shown now and never again. */
export function madeOnce(back: string, values: [name: string, value: string][]): Html {
  return html`<h1>Made</h1>
    <p>This is shown once. Copy it to where it is needed.</p>
    <dl class="once">
      ${values.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd><code>${value}</code></dd>
          </div>`,
      )}
    </dl>
    <p><a class="button" href="${back}">I have it</a></p>`;
}

function senderList(all: Sender[], publicUrl: string, mayAdmin: boolean): Html {
  if (all.length === 0) return empty("No webhook may deploy this app.");
  return html`<ul class="vars">
    ${all.map((sender) => {
      const { id, app, provider, branch, paths, by, createdAt } = sender;
      return html`<li>
        <span class="name"><b>${provider}</b> <code>${branch}</code></span>
        <span class="value soft">
          <code>${publicUrl + hookPath(sender)}</code>
          ${paths.length > 0 && `only ${paths.join(", ")}`} by ${by}, ${when(createdAt)}
        </span>
        ${
          mayAdmin &&
          confirm({
            id: `remove-${id}`,
            button: "Remove",
            look: "quiet",
            harms: true,
            action: `/apps/${app}/webhooks/remove`,
            yes: "Remove it",
            says: "Its secret is good no more; what it sends is refused.",
            fields: { id },
          })
        }
      </li>`;
    })}
  </ul>`;
}

function addForm(app: string): Html {
  return html`<section aria-labelledby="add-title">
    <h2 id="add-title">Add</h2>
    <form class="sheet" method="post" action="/apps/${app}/webhooks/add" data-plain>
      <label>
        Provider
        <select name="provider">
          ${PROVIDERS.map((one) => html`<option>${one}</option>`)}
        </select>
      </label>
      <label>Branch <input name="branch" placeholder="main" autocomplete="off" /></label>
      <label
        >Repository <input name="repo" placeholder="as the webhook says" autocomplete="off"
      /></label>
      <label>Image, of a registry's webhook <input name="image" autocomplete="off" /></label>
      <label
        >Token to fetch with <input name="credential" type="password" autocomplete="off"
      /></label>
      <label
        >Only for files
        <input name="paths" placeholder="apps/web/** packages/**" autocomplete="off"
      /></label>
      <button class="primary">Add the webhook</button>
    </form>
  </section>`;
}
