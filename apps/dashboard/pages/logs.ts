import { LOG_SOURCES, type AppLogLine, type LogSource } from "../../app-log-files.ts";
import { isPlace, type LogQuery } from "../../app-logs.ts";
import { readMoment } from "../../moment.ts";
import type { App } from "../../types.ts";
import { ansi } from "../ansi.ts";
import { logTools } from "../log-tools.ts";
import { html, type Html } from "../html.ts";
import { page, type PageOptions, type Route, type Visit } from "../route.ts";

const LINES = 500;
const SOURCES: Record<LogSource, string> = {
  app: "its instances",
  router: "the routers",
  teal: "the platform",
};

/** What an app's instances, the routers and the platform have to say of it, as it comes. */
export function logPages({ appLogs }: PageOptions): Route[] {
  return [
    page<"app">({
      path: "/apps/:app/logs",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, query }) {
        const lines = await appLogs.read(name, readQuery(query));
        const main = html`<h1>Logs</h1>
          ${filters(name, query)}
          <section class="logs" aria-label="Log">
            ${logTools("Search these lines")}
            <ol class="log timed" tabindex="0" aria-label="Log lines" data-log>
              ${lines.map((line) => html`<li class="${kindOf(line)}">${lineOf(line)}</li>`)}
            </ol>
          </section>`;
        const from = [lines.at(-1)?.id ?? ""];
        return { title: `Logs of ${name}`, main, app: name, tab: "logs", from };
      },
      feeds: (visit) => [follow(visit, appLogs)],
    }),
  ];
}

function follow({ subject, query }: Visit<App>, appLogs: PageOptions["appLogs"]) {
  return async function* (cursor: string | undefined, signal: AbortSignal) {
    const after = cursor !== undefined && isPlace(cursor) ? { after: cursor } : {};
    // Without a place the page has shown nothing, so there is nothing to begin after.
    for await (const line of appLogs.follow(subject.name, readQuery(query), { signal, ...after })) {
      const data = { kind: kindOf(line), html: lineOf(line).markup };
      yield { event: "line", data, cursor: line.id };
    }
  };
}

function kindOf({ from }: AppLogLine): string {
  const [kind = ""] = from.split(".");
  return kind === "router" ? "info" : kind === "teal" ? "step" : "output";
}

function lineOf({ t, from, colour, release, text }: AppLogLine): Html {
  const iso = new Date(t).toISOString();
  return html`<span class="at" title="${iso}">${iso.slice(11, 23)}</span
    ><span class="from ${colour}">${from}${release !== undefined && ` v${release}`}</span
    ><span class="text">${ansi(text)}</span>`;
}

/** What a query does not understand it leaves out: it comes from the page's own form. */
function readQuery(query: URLSearchParams): LogQuery {
  const ps = query.get("ps")?.trim() ?? "";
  const release = Number(query.get("release")?.replace(/^v/, ""));
  const since = query.get("since")?.trim() ?? "";
  const grep = query.get("grep")?.slice(0, 500) ?? "";
  const source = LOG_SOURCES.find((one) => one === query.get("source"));
  return {
    limit: LINES,
    ...(/^[\w-]{1,60}(\.[\w-]{1,60})?$/.test(ps) && { ps }),
    ...(since !== "" && { since: readMoment(since.slice(0, 40), Date.now()) }),
    ...(Number.isInteger(release) && release > 0 && { release }),
    ...(grep !== "" && { grep }),
    ...(source && { source }),
  };
}

function filters(app: string, query: URLSearchParams): Html {
  const field = (name: string, label: string, placeholder: string) =>
    html`<label
      >${label}
      <input
        name="${name}"
        value="${query.get(name)}"
        placeholder="${placeholder}"
        autocomplete="off"
        spellcheck="false"
    /></label>`;
  const option = (value: string, text: string) =>
    html`<option value="${value}" ${query.get("source") === value && html`selected`}>
      ${text}
    </option>`;
  return html`<form
    class="filters"
    method="get"
    action="/apps/${app}/logs"
    role="search"
    aria-label="Filter the logs"
  >
    <label>
      From
      <select name="source">
        ${option("", "all")} ${LOG_SOURCES.map((one) => option(one, SOURCES[one]))}
      </select>
    </label>
    ${field("ps", "Process", "web or web.1")} ${field("release", "Release", "v3")}
    ${field("since", "Since", "10m")} ${field("grep", "With the text", "")}
    <button>Filter</button>
  </form>`;
}
