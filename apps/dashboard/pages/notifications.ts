import { TealError } from "../../errors.ts";
import { NOTICE_EVENTS, NOTIFIER_KINDS, type Notifier, type Sent } from "../../notifiers.ts";
import { when } from "../format.ts";
import { readChoice, readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";
import { madeOnce } from "./webhooks.ts";

const SHOWN = 50;

/** Who is told what happens to an app, and what became of it. */
export function notificationPages({ notifiers, access }: PageOptions): Route[] {
  return [
    page<"app">({
      path: "/apps/:app/notifications",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, identity }) {
        const [all, sent] = await Promise.all([notifiers.list(name), notifiers.sent(name, SHOWN)]);
        const mayAdmin = access.may(identity, "admin", name);
        const main = html`<h1>Notifications</h1>
          ${part("notifiers", (own) => html`<section ${own} aria-label="Who is told">${notifierList(all, mayAdmin)}</section>`)}
          ${part(
            "sent",
            (own) =>
              html`<section ${own}>
                <h2>Sent</h2>
                ${sent.length > 0 ? sentList(sent) : empty("Nothing yet.")}
              </section>`,
          )}
          ${mayAdmin && addForm(name)}`;
        return { title: `Notifications of ${name}`, main, app: name, tab: "notifications" };
      },
    }),
    form<"app">({
      path: "/apps/:app/notifications/add",
      subject: "app",
      needs: "admin",
      action: "add a notification",
      async take({ subject: { name }, identity }, sent) {
        const events = NOTICE_EVENTS.filter((one) => sent.getAll("events").includes(one));
        const wish = {
          kind: readChoice(sent, "kind", NOTIFIER_KINDS),
          url: readText(sent, "url"),
          ...(events.length > 0 && { events }),
          ...(sent.get("credential") && { token: readText(sent, "credential") }),
        };
        const { secret } = await notifiers.add(name, wish, identity.name);
        const back = `/apps/${name}/notifications`;
        if (secret === null) return back;
        const main = madeOnce(back, [["Secret", secret]]);
        return { title: "A new notification", main, app: name, tab: "notifications" };
      },
    }),
    form<"app">({
      path: "/apps/:app/notifications/remove",
      subject: "app",
      needs: "admin",
      action: "remove a notification",
      async take({ subject: { name } }, sent) {
        const id = readText(sent, "id").slice(0, 200);
        if (!(await notifiers.remove(name, id)))
          throw new TealError("notifier-not-found", { app: name, id });
        return `/apps/${name}/notifications`;
      },
    }),
  ];
}

function notifierList(all: Notifier[], mayAdmin: boolean): Html {
  if (all.length === 0) return empty("Nobody is told yet.");
  return html`<ul class="vars">
    ${all.map(
      ({ id, app, kind, host, events, by, createdAt }) =>
        html`<li>
          <span class="name"><b>${kind}</b> ${host}</span>
          <span class="value soft">${events.join(", ")}; by ${by}, ${when(createdAt)}</span>
          ${
            mayAdmin &&
            confirm({
              id: `remove-${id}`,
              button: "Remove",
              look: "quiet",
              harms: true,
              action: `/apps/${app}/notifications/remove`,
              yes: "Remove it",
              says: html`<b>${host}</b> is told no more.`,
              fields: { id },
            })
          }
        </li>`,
    )}
  </ul>`;
}

function sentList(sent: Sent[]): Html {
  return html`<ul class="rows">
    ${sent.map((one) => {
      const good = one.error === undefined;
      return html`<li class="row">
        <span class="state ${good ? "live" : "failed"}">${one.status ?? "no answer"}</span>
        <b>${one.event}</b> <span>${one.deploy}</span>
        <span class="soft">try ${one.attempt}, ${when(one.at)}</span>
        ${one.error && html`<span class="error">${one.error}</span>`}
      </li>`;
    })}
  </ul>`;
}

function addForm(app: string): Html {
  return html`<section aria-labelledby="add-title">
    <h2 id="add-title">Add</h2>
    <form class="sheet" method="post" action="/apps/${app}/notifications/add" data-plain>
      <label>
        Kind
        <select name="kind">
          ${NOTIFIER_KINDS.map((one) => html`<option>${one}</option>`)}
        </select>
      </label>
      <label>URL <input name="url" required autocomplete="off" spellcheck="false" /></label>
      <label
        >Token or USER:PASSWORD <input name="credential" type="password" autocomplete="off"
      /></label>
      <fieldset>
        <legend>Events; what ends a deploy when none is chosen</legend>
        <div class="choices">
          ${NOTICE_EVENTS.map((one) => html`<label class="check"><input type="checkbox" name="events" value="${one}" /> ${one}</label>`)}
        </div>
      </fieldset>
      <button class="primary">Add</button>
    </form>
  </section>`;
}
