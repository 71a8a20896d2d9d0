import type { LogLine } from "../../deploy-log.ts";
import { deployEvents, isLineId } from "../../event-stream.ts";
import type { Deploy } from "../../types.ts";
import { ansi } from "../ansi.ts";
import type { Feed } from "../feed.ts";
import { commit, duration, when } from "../format.ts";
import { html, part, type Html } from "../html.ts";
import { logTools } from "../log-tools.ts";
import { deployList, empty, kindOf, state } from "../pieces.ts";
import { form, page, type PageOptions, type Route } from "../route.ts";
import { stepList, type Step } from "../steps.ts";
import { cancelDeploy } from "./app.ts";

const LISTED = 100;
const LOG_LINES = 20_000;

/** An app's deploys, and each with its steps and its log. */
export function deployPages(options: PageOptions): Route[] {
  const { store, deploys, deployLog, steps } = options;
  return [
    page<"app">({
      path: "/apps/:app/deploys",
      subject: "app",
      needs: "read",
      async show({ subject: { name } }) {
        const listed = await store.listDeploys(name, LISTED);
        const main = html`<h1>Deploys</h1>
          ${part(
            "list",
            (own) =>
              html`<section ${own} aria-label="Deploys of ${name}">
                ${listed.length > 0 ? deployList(listed) : empty("None yet: push one.")}
              </section>`,
          )}`;
        return { title: `Deploys of ${name}`, main, app: name, tab: "deploys" };
      },
    }),
    page<"deploy">({
      path: "/apps/:app/deploys/:deploy",
      subject: "deploy",
      needs: "read",
      async show({ subject: deploy, mayPush }) {
        const [lines, known] = await Promise.all([
          deployLog.read(deploy.id, undefined, LOG_LINES),
          steps.of(deploy.id),
        ]);
        const main = deployPage(deploy, lines, known, mayPush);
        const from = [lines.at(-1)?.id ?? ""];
        return { title: deploy.id, main, app: deploy.app, tab: "deploys", from };
      },
      feeds: ({ subject: { id } }) => [logFeed(options, id)],
    }),
    form<"deploy">({
      path: "/apps/:app/deploys/:deploy/cancel",
      subject: "deploy",
      needs: "push",
      action: "cancel a deploy",
      async take({ subject: { id, app }, identity }) {
        await deploys.cancel(id, identity.name);
        return `/apps/${app}/deploys/${id}`;
      },
    }),
  ];
}

/** The lines after those that the page has; all of them for a page that came back from elsewhere. */
function logFeed(options: PageOptions, id: string): Feed {
  return async function* (cursor, signal) {
    const after = cursor !== undefined && isLineId(cursor) ? cursor : undefined;
    let last = after ?? "";
    for await (const { event, data } of deployEvents(options, id, after, signal)) {
      if (event !== "line") continue;
      const line = data as LogLine;
      last = line.id;
      const { kind, text } = line;
      yield { event: "line", data: { kind, html: ansi(text).markup }, cursor: last };
    }
  };
}

function deployPage(deploy: Deploy, lines: LogLine[], steps: Step[], mayPush: boolean): Html {
  const goesOn = deploy.state === "queued" || deploy.state === "running";
  return html`${part(
    "head",
    (own) =>
      html`<div ${own}>
        <div class="title">
          <h1>${deploy.id}</h1>
          ${state(deploy)}
        </div>
        <p class="facts">
          ${kindOf(deploy)} ${commit(deploy.commit)} by ${deploy.by},
          ${when(deploy.createdAt)}${
            deploy.finishedAt && `, took ${duration(deploy.finishedAt - deploy.createdAt)}`
          }
          ${
            deploy.release !== undefined &&
            html`· <a href="/apps/${deploy.app}/releases#v${deploy.release}">v${deploy.release}</a>`
          }
        </p>
        ${deploy.error && html`<p class="${deploy.state === "held" ? "hint" : "alert"}">${deploy.error}</p>`}
        ${goesOn && mayPush && cancelDeploy(deploy)}
      </div>`,
  )}
  ${part(
    "steps",
    (own) =>
      html`<section ${own} aria-label="Steps">
        ${steps.length > 0 ? stepList(deploy, steps) : empty("It waits its turn.")}
      </section>`,
  )}
  ${logView(lines)}`;
}

function logView(lines: LogLine[]): Html {
  return html`<section class="logs" aria-label="Log">
    ${logTools("Search the log")}
    <ol class="log numbered" tabindex="0" aria-label="Log lines" data-log>
      ${lines.map(
        ({ kind, text }, i) =>
          html`<li id="L${i + 1}" class="${kind}">
            <a href="#L${i + 1}" aria-label="Line ${i + 1}"></a><span>${ansi(text)}</span>
          </li> `,
      )}
    </ol>
  </section>`;
}
