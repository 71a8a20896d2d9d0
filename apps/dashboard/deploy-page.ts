import type { Identity } from "../access.ts";
import type { LogLine } from "../deploy-log.ts";
import type { Deploy } from "../types.ts";
import { html } from "./html.ts";
import { duration, layout, when } from "./layout.ts";

/** One deploy with its log; one that goes on grows by the script. */
export function deployPage(
  deploy: Deploy,
  lines: LogLine[],
  identity: Identity,
  mayPush: boolean,
): string {
  const goesOn = deploy.state === "queued" || deploy.state === "running";
  const path = `/apps/${deploy.app}/deploys/${deploy.id}`;
  const main = html`<nav class="crumbs">
      <a href="/">Apps</a> <a href="/apps/${deploy.app}">${deploy.app}</a>
    </nav>
    <div class="title">
      <h1>${deploy.id}</h1>
      <span class="state ${deploy.state}">${deploy.state}</span>
    </div>
    <p class="facts">
      ${deploy.kind === "rollback" ? `rollback to v${deploy.toRelease ?? "?"}` : deploy.kind}
      <code>${deploy.commit?.slice(0, 7)}</code> by ${deploy.by},
      ${when(deploy.createdAt)}${
        deploy.finishedAt && `, took ${duration(deploy.finishedAt - deploy.createdAt)}`
      }
    </p>
    ${deploy.error && html`<p class="alert">${deploy.error}</p>`}
    ${
      goesOn &&
      mayPush &&
      html`<details class="confirm">
        <summary class="button quiet">Cancel</summary>
        <form method="post" action="${path}/cancel">
          <p>The deploy stops at its next step; the live colour is not touched.</p>
          <button class="primary">Cancel the deploy</button>
        </form>
      </details>`
    }
    <ol
      class="log"
      tabindex="0"
      aria-label="Log"
      data-log="${goesOn && `${path}/log`}"
      data-after="${lines.at(-1)?.id}"
    >
      ${lines.map((line) => html`<li class="${line.kind}">${withoutColours(line.text)}</li>`)}
    </ol>`;
  return layout({ title: deploy.id, main, identity });
}

function withoutColours(text: string): string {
  return text.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, "");
}
