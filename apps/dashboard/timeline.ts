import type { ReleaseView } from "../views.ts";
import { commit, when } from "./format.ts";
import { html, type Html } from "./html.ts";
import { confirm } from "./pieces.ts";

/** Releases, newest first. @param mayGoBack with a button to make live those that can be */
export function releaseList(
  releases: readonly ReleaseView[],
  app: string,
  mayGoBack: boolean,
  more: (release: ReleaseView) => (Html | null)[] = () => [],
): Html {
  return html`<ol class="timeline">
    ${releases.map((one) => {
      const { n, status, colour } = one;
      return html`<li class="${status} ${colour}" id="v${n}">
        <p>
          <b>v${n}</b> <span class="status">${status}</span> ${commit(one.commit)}
          ${one.irreversible && html`<span class="state warn">irreversible</span>`}
          <span>${originOf(one)}</span> <small>${one.by}, ${when(one.createdAt)}</small>
        </p>
        ${more(one)} ${mayGoBack && makeLive(app, one)}
      </li>`;
    })}
  </ol>`;
}

/** Makes live what still runs or can be started again. */
function makeLive(app: string, { n, status, colour }: ReleaseView): Html | null {
  const rollBack = { action: `/apps/${app}/rollback`, look: "quiet", fields: { to: n } } as const;
  if (status === "kept") {
    return confirm({
      ...rollBack,
      id: `ask-rollback-${n}`,
      button: `Roll back to v${n}`,
      yes: "Roll back",
      says: `v${n} is started in the idle colour from its kept image, with its config, checked, and then swapped in. Until then what is live is not touched.`,
    });
  }
  if (status === "warm") {
    return confirm({
      ...rollBack,
      id: `ask-rollback-${n}`,
      button: `Swap back to v${n}`,
      yes: "Swap now",
      says: html`<b class="word ${colour}">${colour}</b> still runs v${n} and takes over at once;
        what is live stays warm. No request is dropped.`,
    });
  }
  if (status !== "held") return null;
  return confirm({
    id: "ask-promote",
    button: `Promote v${n}`,
    action: `/apps/${app}/promote`,
    yes: "Make it live",
    says: html`v${n} is healthy in <b class="word ${colour}">${colour}</b> and becomes live; what is
      live now stays warm. No request is dropped.`,
  });
}

function originOf({ kind, why, rollbackOf }: ReleaseView): string {
  if (kind === "push") return why || "push";
  return kind === "rollback" ? `rollback to v${rollbackOf ?? "?"}` : `${kind}: ${why}`;
}
