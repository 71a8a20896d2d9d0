import type { ReleaseView } from "../views.ts";
import { commit, when } from "./format.ts";
import { html, type Html } from "./html.ts";
import { confirm } from "./pieces.ts";

/** Releases, newest first. @param mayGoBack with a button to go back to those that are kept */
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
          <span>${originOf(one)}</span> <small>${one.by}, ${when(one.createdAt)}</small>
        </p>
        ${more(one)} ${mayGoBack && status === "kept" && goBack(app, n)}
      </li>`;
    })}
  </ol>`;
}

function goBack(app: string, n: number): Html {
  return confirm({
    id: `ask-rollback-${n}`,
    button: `Roll back to v${n}`,
    look: "quiet",
    action: `/apps/${app}/rollback`,
    yes: "Roll back",
    says: `v${n} is started in the idle colour from its kept image, with its config, checked, and then swapped in. Until then what is live is not touched.`,
    fields: { to: n },
  });
}

function originOf({ kind, why, rollbackOf }: ReleaseView): string {
  if (kind === "push") return why || "push";
  return kind === "rollback" ? `rollback to v${rollbackOf ?? "?"}` : `${kind}: ${why}`;
}
