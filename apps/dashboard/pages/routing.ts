import { routingOf, type Routing } from "../../routing.ts";
import type { AppOptions } from "../../options.ts";
import { appForm } from "../asking.ts";
import { checkField, numberField, readAmount } from "../fields.ts";
import { readChoice } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { ownPageForms, ownPages } from "../own-pages.ts";
import { confirm } from "../pieces.ts";
import { page, type ApiRequest, type PageOptions, type Route } from "../route.ts";

const MIB = 1024 * 1024;

/** What the router does for one app: maintenance, redirects, limits, pages of its own. */
export function routingPages(options: PageOptions): Route[] {
  const { store } = options;
  return [
    page<"app">({
      path: "/apps/:app/routing",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, mayPush }) {
        const { options: told } = await store.getSettings(name);
        const routing = routingOf(told);
        const main = html`<h1>Routing</h1>
          ${part("maintenance", (own) => html`<section ${own}>${maintenance(name, routing, told, mayPush)}</section>`)}
          ${part("rules", (own) => html`<section ${own}>${rules(name, routing, mayPush)}</section>`)}
          ${part("pages", (own) => html`<section ${own}>${ownPages(name, told, mayPush)}</section>`)}`;
        return { title: `Routing of ${name}`, main, app: name, tab: "routing" };
      },
    }),
    appForm(options, {
      path: "/apps/:app/maintenance",
      needs: "push",
      action: "change the maintenance",
      asks: (sent) => ({
        route: "post /apps/:app/maintenance",
        body: { on: readChoice(sent, "on", ["on", "off"]) === "on" },
      }),
      goes: "/routing",
    }),
    appForm(options, {
      path: "/apps/:app/routing",
      needs: "push",
      action: "change the routing",
      asks: readRules,
      goes: "/routing",
    }),
    ...ownPageForms(options),
  ];
}

function maintenance(app: string, routing: Routing, told: AppOptions, mayPush: boolean): Html {
  const on = routing.maintenance === true;
  const own = told["page.maintenance"] !== undefined;
  return html`<h2>Maintenance</h2>
    <p>
      ${
        on
          ? html`<b class="bad">On.</b> Routers answer 503 with
              ${own ? "the app's page" : "a plain page"}.`
          : html`<b>Off.</b> The app answers.`
      }
    </p>
    ${
      mayPush &&
      confirm({
        id: "ask-maintenance",
        button: on ? "End the maintenance" : "Begin the maintenance",
        look: on ? "primary" : "danger",
        action: `/apps/${app}/maintenance`,
        yes: on ? "Let the app answer" : "Answer 503",
        says: on
          ? "Routers pass requests on to the app again, at once."
          : `From now on every request gets 503 and ${own ? "the app's page for it" : "a plain page"}. The app runs on.`,
        fields: { on: on ? "off" : "on" },
      })
    }`;
}

/** The numbers, in what people count in; `per` of these is one of the router's. */
const NUMBERS = [
  ["maxBodyBytes", "A request's body at most", "MiB", MIB, 1e9, "no limit"],
  ["headersMs", "To the head of an answer", "s", 1000, 3600, "no limit"],
  ["responseMs", "To the end of an answer", "s", 1000, 86_400, "no limit"],
  ["hstsSeconds", "Browsers stay with https for", "days", 86_400, 730, "not told"],
  ["holdMs", "A request waits for an instance", "s", 1000, 60, "default"],
] as const;
const SWITCHES = [
  ["httpsRedirect", "Send http to https", false],
  ["sticky", "A client stays with one instance", false],
  ["accessLog", "A line in the log for each request", true],
  ["assetFallback", "Ask the standby for assets that are gone", true],
] as const;

function rules(app: string, routing: Routing, mayPush: boolean): Html {
  return html`<h2>Rules</h2>
    <form class="sheet" method="post" action="/apps/${app}/routing">
      <fieldset class="plain" ${!mayPush && html`disabled`}>
        ${SWITCHES.map(([name, label, unset]) => checkField(name, label, routing[name] ?? unset))}
        <label
          >Send all other hosts to
          <input
            name="canonicalHost"
            value="${routing.canonicalHost}"
            placeholder="none"
            autocomplete="off"
            spellcheck="false"
        /></label>
        ${NUMBERS.map(([name, label, unit, per, most, fallback]) => {
          const told = routing[name];
          const value = told === undefined ? undefined : told / per;
          const range = [0, most] as const;
          return numberField({ name, label, unit, value, fallback, range, step: "any" });
        })}
      </fieldset>
      ${mayPush && html`<button class="primary">Change the rules</button>`}
      <p class="hint">At once, on every router. Nothing is started anew.</p>
    </form>`;
}

/** All that the form has: what is left empty is as for every app. */
function readRules(sent: URLSearchParams): ApiRequest {
  const numbers = NUMBERS.map(([name, , , per]) => {
    const given = readAmount(sent, name);
    return [name, typeof given === "number" ? Math.round(given * per) : given];
  });
  const switches = SWITCHES.map(([name, , unset]) => {
    const on = sent.has(name);
    return [name, on === unset ? null : on];
  });
  const canonicalHost = sent.get("canonicalHost")?.trim() || null;
  const body = { ...Object.fromEntries([...numbers, ...switches]), canonicalHost };
  return { route: "post /apps/:app/routing", body };
}
