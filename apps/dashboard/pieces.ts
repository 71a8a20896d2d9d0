import type { App, Colour, Deploy } from "../types.ts";
import { commit, duration, when } from "./format.ts";
import { html, type Html, type Value } from "./html.ts";

type Slots = Pick<App, "live" | "standby" | "held">;

/** What a colour is of an app: one word, as everywhere. */
export function roleOf(app: Slots, colour: Colour): "live" | "held" | "standby" | "idle" {
  if (app.live?.colour === colour) return "live";
  if (app.held?.colour === colour) return "held";
  return app.standby?.colour === colour ? "standby" : "idle";
}

/** The two lanes of an app, small: the lit one is live. */
export function lanes(app: Slots & { stopped?: boolean }): Html {
  const lane = (colour: Colour) => {
    const role = roleOf(app, colour);
    return html`<i class="${colour} ${role}" role="img" aria-label="${colour} is ${role}"></i>`;
  };
  return html`<span class="lanes${app.stopped === true && html` stopped`}"
    >${lane("blue")}${lane("green")}</span
  >`;
}

/** How a deploy is named where it is one of several. */
export function kindOf({ kind, toRelease }: Deploy): string {
  if (kind === "rollback") return toRelease ? `rollback to v${toRelease}` : "rollback";
  return kind === "promote" && toRelease ? `promote v${toRelease}` : kind;
}

export function state(deploy: Pick<Deploy, "state">): Html {
  return html`<span class="state ${deploy.state}">${deploy.state}</span>`;
}

/** Whether its reason says more than its kind does. */
function hasReason({ kind, why }: Deploy): boolean {
  return why !== "" && why !== kind && !/^(back to )?v\d+$/.test(why);
}

/** Deploys, one line each. */
export function deployList(deploys: readonly Deploy[]): Html {
  return html`<ul class="rows deploys">
    ${deploys.map(
      (one) =>
        html`<li>
          <a class="row" href="/apps/${one.app}/deploys/${one.id}">
            ${state(one)} <b>${one.id}</b> <span>${kindOf(one)}</span> ${commit(one.commit)}
            ${hasReason(one) && html`<span class="why">${one.why}</span>`}
            <span class="soft">${one.by}, ${when(one.createdAt)}</span>
            ${
              one.finishedAt &&
              html`<span class="took">${duration(one.finishedAt - one.createdAt)}</span>`
            }
            ${one.error && html`<span class="error ${one.state === "held" && "quiet"}">${one.error}</span>`}
          </a>
        </li>`,
    )}
  </ul>`;
}

interface Confirmation {
  /** Unique in the page. */
  id: string;
  button: string;
  look?: "primary" | "quiet" | "danger";
  /** It takes something away: the dialog's button says so by its colour. */
  harms?: boolean;
  action: string;
  /** What the button of the dialog says. */
  yes: string;
  /** What will happen. */
  says: Value;
  /** Name to value. */
  fields?: Record<string, string | number>;
  /** It is answered by a page of its own. */
  plain?: boolean;
}

/** A button that says what it will do before it does it. It works without the script. */
export function confirm(one: Confirmation): Html {
  const { id, button, look = "primary", action, yes, says, fields = {}, plain = false } = one;
  const harms = one.harms ?? look === "danger";
  return html`<button type="button" class="${look}" popovertarget="${id}">${button}</button>
    <div class="ask" id="${id}" popover role="dialog" aria-labelledby="${id}-title">
      <form method="post" action="${action}" ${plain && html`data-plain`}>
        <h2 id="${id}-title">${button}</h2>
        <p>${says}</p>
        ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
        <div class="buttons">
          <button class="${harms ? "danger" : "primary"}">${yes}</button>
          <button type="button" class="quiet" popovertarget="${id}" popovertargetaction="hide">
            Leave it
          </button>
        </div>
      </form>
    </div>`;
}

/** What stands where there is nothing yet, and how to change that. */
export function empty(says: Value, ...more: Value[]): Html {
  return html`<div class="empty">
    <p>${says}</p>
    ${more}
  </div>`;
}
