import { platformForm } from "../asking.ts";
import { when } from "../format.ts";
import { readChoice, readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route, type Shown } from "../route.ts";
import { madeOnce } from "./webhooks.ts";

type Users = Awaited<ReturnType<PageOptions["access"]["users"]["list"]>>;

/** The platform's people, and their invitations. */
export function userPages(options: PageOptions): Route[] {
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
          look: "quiet",
          harms: true,
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
