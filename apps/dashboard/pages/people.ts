import { appForm } from "../asking.ts";
import { readChoice, readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

type Users = Awaited<ReturnType<PageOptions["access"]["users"]["list"]>>;

/** Who has a role with an app. */
export function peoplePages(options: PageOptions): Route[] {
  const { users } = options.access;
  return [
    page<"app">({
      path: "/apps/:app/people",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, identity }) {
        const mayAdmin = options.access.may(identity, "admin", name);
        const [all, known] = await Promise.all([
          users.collaborators(name),
          mayAdmin ? users.list() : [],
        ]);
        const main = html`<h1>People</h1>
          <p class="hint">Admins may do all with every app. Others have a role here.</p>
          ${part("people", (own) => html`<section ${own} aria-label="Roles">${all.length > 0 ? roleList(name, all, mayAdmin) : empty("Nobody but admins and tokens.")}</section>`)}
          ${mayAdmin && grantForm(name, known)}`;
        return { title: `People of ${name}`, main, app: name, tab: "people" };
      },
    }),
    appForm(options, {
      path: "/apps/:app/access/add",
      needs: "admin",
      action: "give a role",
      asks: (sent) => ({
        route: "post /apps/:app/access",
        body: { user: readText(sent, "user"), role: readChoice(sent, "role", ["deploy", "read"]) },
      }),
      goes: "/people",
    }),
    appForm(options, {
      path: "/apps/:app/access/remove",
      needs: "admin",
      action: "take a role away",
      asks: (sent) => ({
        route: "delete /apps/:app/access/:user",
        params: { user: readText(sent, "user") },
      }),
      goes: "/people",
    }),
  ];
}

function roleList(app: string, all: { user: string; role: string }[], mayAdmin: boolean): Html {
  return html`<ul class="vars">
    ${all.map(
      ({ user, role }) =>
        html`<li>
          <b class="name">${user}</b> <span class="value state">${role}</span>
          ${
            mayAdmin &&
            confirm({
              id: `withdraw-${user}`,
              button: `Remove ${user}`,
              look: "quiet",
              harms: true,
              action: `/apps/${app}/access/remove`,
              yes: "Take the role away",
              says: `${user} no longer sees ${app}, from the next request on.`,
              fields: { user },
            })
          }
        </li>`,
    )}
  </ul>`;
}

function grantForm(app: string, known: Users): Html {
  const members = known.filter(({ role }) => role === "member");
  if (members.length === 0) {
    return html`<p class="hint">There are no members yet: <a href="/users">add one</a>.</p>`;
  }
  return html`<section aria-labelledby="add-title">
    <h2 id="add-title">Give a role</h2>
    <form class="sheet" method="post" action="/apps/${app}/access/add">
      <label>
        User
        <select name="user">
          ${members.map(({ name }) => html`<option>${name}</option>`)}
        </select>
      </label>
      <label>
        Role
        <select name="role">
          <option value="deploy">deploy: push, roll back, change</option>
          <option value="read">read: look</option>
        </select>
      </label>
      <button class="primary">Give the role</button>
    </form>
  </section>`;
}
