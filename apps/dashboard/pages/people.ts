import { appForm, platformForm } from "../asking.ts";
import { when } from "../format.ts";
import { readChoice, readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route, type Shown } from "../route.ts";
import { madeOnce } from "./webhooks.ts";

type Users = Awaited<ReturnType<PageOptions["access"]["users"]["list"]>>;

/** The platform's people, and who of them has a role with an app. */
export function peoplePages(options: PageOptions): Route[] {
  return [...userPages(options), ...collaboratorPages(options)];
}

function userPages(options: PageOptions): Route[] {
  const { users } = options.access;
  return [
    page<"platform">({
      path: "/users",
      subject: "platform",
      needs: "admin",
      async show() {
        const all = await users.list();
        const main = html`<h1>Users</h1>
          <p class="hint">
            An admin may do all. A member has a role with each app, on the app's page
            <i>People</i>.
          </p>
          ${part("users", (own) => html`<section ${own} aria-label="Users">${all.length > 0 ? userList(all) : empty("None yet: all access is by tokens that are nobody's.")}</section>`)}
          ${userForm()}`;
        return { title: "Users", main };
      },
    }),
    platformForm(options, {
      path: "/users/add",
      needs: "admin",
      action: "add a user",
      asks: (sent) => ({
        route: "post /users",
        body: {
          name: readText(sent, "name"),
          role: readChoice(sent, "role", ["member", "admin"]),
          ...(sent.get("email") && { email: readText(sent, "email") }),
        },
      }),
      goes: invited,
    }),
    platformForm(options, {
      path: "/users/invite",
      needs: "admin",
      action: "invite a user",
      asks: (sent) => ({
        route: "post /users/:user/invitation",
        params: { user: readText(sent, "user") },
      }),
      goes: invited,
    }),
    platformForm(options, {
      path: "/users/remove",
      needs: "admin",
      action: "remove a user",
      asks: (sent) => ({
        route: "delete /users/:user",
        params: { user: readText(sent, "user") },
      }),
      goes: "/users",
    }),
  ];
}

function invited({ invitation }: { invitation: string }): Shown {
  const main = madeOnce("/users", [
    ["Invitation, good once and for a week", invitation],
    ["Where it is taken", "on the sign-in page, and by teal login"],
  ]);
  return { title: "An invitation", main };
}

function userList(all: Users): Html {
  return html`<ul class="vars">
    ${all.map(({ name, role, email, apps, createdAt, by }) => {
      const roles = Object.entries(apps).map(([app, one]) => `${app} (${one})`);
      return html`<li>
        <span class="name"><b>${name}</b> <span class="state">${role}</span></span>
        <span class="value soft">
          ${email !== undefined && html`${email}, `}${role === "admin" ? "all apps" : roles.join(", ") || "no app"},
          added by ${by}, ${when(createdAt)}
        </span>
        ${confirm({
          id: `invite-${name}`,
          button: `Invite ${name}`,
          look: "quiet",
          action: "/users/invite",
          yes: "Make an invitation",
          says: `It lets in once, within a week, whoever has it. What ${name} has stays good.`,
          fields: { user: name },
          plain: true,
        })}
        ${confirm({
          id: `remove-user-${name}`,
          button: `Remove ${name}`,
          look: "danger",
          action: "/users/remove",
          yes: "Remove the user",
          says: `All tokens, sessions, keys and roles of ${name} end at once.`,
          fields: { user: name },
        })}
      </li>`;
    })}
  </ul>`;
}

function userForm(): Html {
  return html`<section aria-labelledby="add-title">
    <h2 id="add-title">Add</h2>
    <form class="sheet" method="post" action="/users/add" data-plain>
      <label>Name <input name="name" required autocomplete="off" spellcheck="false" /></label>
      <label>
        Role
        <select name="role">
          <option value="member">member</option>
          <option value="admin">admin</option>
        </select>
      </label>
      <label
        >E-mail, for a sign-in at an OpenID provider
        <input name="email" type="email" autocomplete="off"
      /></label>
      <button class="primary">Add and invite</button>
    </form>
  </section>`;
}

function collaboratorPages(options: PageOptions): Route[] {
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
