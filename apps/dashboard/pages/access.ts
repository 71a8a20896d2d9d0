import type { KeyRecord, TokenRecord } from "../../access.ts";
import { TealError } from "../../errors.ts";
import { when } from "../format.ts";
import { readChoice, readNumber, readText, readWords } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";
import { madeOnce } from "./webhooks.ts";

const ROLES = ["deploy", "read", "admin"] as const;
const DAY = 24 * 3600 * 1000;

/** Who may do what: tokens and SSH keys. */
export function accessPages({ access }: PageOptions): Route[] {
  return [
    page<"platform">({
      path: "/access",
      subject: "platform",
      needs: "admin",
      async show() {
        const [tokens, keys] = await Promise.all([access.listTokens(), access.listKeys()]);
        const lasting = tokens.filter((one) => one.under === undefined && !one.session);
        const main = html`<h1>Access</h1>
          ${part(
            "tokens",
            (own) =>
              html`<section ${own}>
                <h2>Tokens</h2>
                ${lasting.length > 0 ? tokenList(lasting, tokens) : empty("None.")}
              </section>`,
          )}
          ${tokenForm()}
          ${part(
            "keys",
            (own) =>
              html`<section ${own}>
                <h2>SSH keys</h2>
                ${keys.length > 0 ? keyList(keys) : empty("None: add one to push over SSH.")}
              </section>`,
          )}
          ${keyForm()}`;
        return { title: "Access", main };
      },
    }),
    form<"platform">({
      path: "/access/tokens",
      subject: "platform",
      needs: "admin",
      action: "make a token",
      async take(_visit, sent) {
        const days = sent.get("days") ? readNumber(sent, "days") : undefined;
        const { secret } = await access.createToken({
          ...readIdentity(sent),
          ...(days !== undefined && { ttlMs: days * DAY }),
        });
        return { title: "A new token", main: madeOnce("/access", [["Token", secret]]) };
      },
    }),
    form<"platform">({
      path: "/access/tokens/revoke",
      subject: "platform",
      needs: "admin",
      action: "end a token",
      async take(_visit, sent) {
        const id = readText(sent, "id").slice(0, 200);
        if (!(await access.revokeToken(id))) throw new TealError("token-not-found", { id });
        return "/access";
      },
    }),
    form<"platform">({
      path: "/access/keys",
      subject: "platform",
      needs: "admin",
      action: "add an SSH key",
      async take(_visit, sent) {
        await access.addKey({ ...readIdentity(sent), publicKey: readText(sent, "key") });
        return "/access";
      },
    }),
    form<"platform">({
      path: "/access/keys/remove",
      subject: "platform",
      needs: "admin",
      action: "remove an SSH key",
      async take(_visit, sent) {
        const fingerprint = readText(sent, "id").slice(0, 200);
        if (!(await access.removeKey(fingerprint)))
          throw new TealError("key-not-found", { fingerprint });
        return "/access";
      },
    }),
  ];
}

function readIdentity(sent: URLSearchParams) {
  const apps = readWords(sent, "apps");
  return {
    name: readText(sent, "name"),
    role: readChoice(sent, "role", ROLES),
    apps: apps.length === 0 || apps.includes("*") ? ("*" as const) : apps,
  };
}

function appsOf(apps: "*" | string[]): string {
  return apps === "*" ? "all apps" : apps.join(", ");
}

function tokenList(lasting: TokenRecord[], all: TokenRecord[]): Html {
  const sessions = all.length - lasting.length;
  return html`<ul class="vars">
      ${lasting.map(
        ({ id, name, role, apps, createdAt, expiresAt }) =>
          html`<li>
            <span class="name"><b>${name}</b> <span class="state">${role}</span></span>
            <span class="value soft">
              ${appsOf(apps)}, made
              ${when(createdAt)}${
                expiresAt !== undefined &&
                `, until ${new Date(expiresAt).toISOString().slice(0, 10)}`
              }
            </span>
            ${confirm({
              id: `revoke-${id}`,
              button: `End ${name}`,
              look: "quiet",
              harms: true,
              action: "/access/tokens/revoke",
              yes: "End the token",
              says: "It is good no more at once, and so are the sessions begun with it.",
              fields: { id },
            })}
          </li>`,
      )}
    </ul>
    <p class="hint">${sessions} signed in to this dashboard.</p>`;
}

function keyList(keys: KeyRecord[]): Html {
  return html`<ul class="vars">
    ${keys.map(
      ({ fingerprint, name, role, apps }, i) =>
        html`<li>
          <span class="name"><b>${name}</b> <span class="state">${role}</span></span>
          <span class="value soft"><code>${fingerprint}</code> ${appsOf(apps)}</span>
          ${confirm({
            id: `remove-key-${i}`,
            button: `Remove ${name}`,
            look: "quiet",
            harms: true,
            action: "/access/keys/remove",
            yes: "Remove the key",
            says: "Who has it can push no more.",
            fields: { id: fingerprint },
          })}
        </li>`,
    )}
  </ul>`;
}

function identityFields(): Html {
  return html`<label>Name <input name="name" required maxlength="64" autocomplete="off" /></label>
    <label>
      Role
      <select name="role">
        ${ROLES.map((one) => html`<option>${one}</option>`)}
      </select>
    </label>
    <label
      >Apps <input name="apps" placeholder="all" autocomplete="off" spellcheck="false"
    /></label>`;
}

function tokenForm(): Html {
  return html`<form
    class="sheet"
    method="post"
    action="/access/tokens"
    data-plain
    aria-label="A new token"
  >
    ${identityFields()}
    <label
      >Days <input name="days" type="number" min="1" max="3650" placeholder="without end"
    /></label>
    <button class="primary">Make a token</button>
  </form>`;
}

function keyForm(): Html {
  return html`<form class="sheet" method="post" action="/access/keys" aria-label="A new SSH key">
    ${identityFields()}
    <label
      >Public key
      <textarea
        name="key"
        rows="3"
        required
        spellcheck="false"
        placeholder="ssh-ed25519 AAAA…"
      ></textarea>
    </label>
    <button class="primary">Add the key</button>
  </form>`;
}
