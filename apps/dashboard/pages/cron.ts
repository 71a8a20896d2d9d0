import { toString as inWords } from "cronstrue";
import type { CronRun } from "../../cron.ts";
import { viewCron, type CronView } from "../../cron-view.ts";
import { appForm } from "../asking.ts";
import { duration, until, when } from "../format.ts";
import { readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

/** What an app runs by the clock: when next, and how it went. */
export function cronPages(options: PageOptions): Route[] {
  return [
    page<"app">({
      path: "/apps/:app/cron",
      subject: "app",
      needs: "read",
      async show({ subject: app, mayPush }) {
        const jobs = await viewCron(app, options);
        const main = html`<h1>Cron</h1>
          <p class="hint">
            What <code>app.json</code> says under <code>cron</code>, run by the live release. Times
            are UTC.
          </p>
          ${part(
            "jobs",
            (own) =>
              html`<div ${own}>
                ${jobs.length > 0 ? jobs.map((job) => jobOf(app.name, job, mayPush)) : nothing()}
              </div>`,
          )}`;
        return { title: `Cron of ${app.name}`, main, app: app.name, tab: "cron" };
      },
    }),
    appForm(options, {
      path: "/apps/:app/cron/run",
      needs: "push",
      action: "run a command",
      slow: true,
      asks: (sent) => ({
        route: "post /apps/:app/runs",
        body: { command: [readText(sent, "command")], detached: true },
      }),
      goes: "/logs?source=app&since=10m",
    }),
  ];
}

function nothing(): Html {
  return empty(
    "Nothing runs by the clock.",
    html`<p><code>{ "cron": [{ "command": "node sweep.js", "schedule": "0 3 * * *" }] }</code></p>`,
  );
}

const POLICIES: Record<CronView["concurrency"], string> = {
  allow: "A run may begin while the one before goes on.",
  forbid: "No run begins while the one before goes on.",
  replace: "A run ends the one before.",
};

function jobOf(app: string, job: CronView, mayPush: boolean): Html {
  const { id, command, schedule, next, concurrency, maintenance, runs } = job;
  return html`<section class="sheet job" aria-labelledby="job-${id}">
    <header>
      <h2 id="job-${id}"><code>${command}</code></h2>
      ${
        mayPush &&
        confirm({
          id: `run-${id}`,
          button: "Run now",
          look: "quiet",
          action: `/apps/${app}/cron/run`,
          yes: "Run it",
          says: html`<code>${command}</code> runs once in a new container of the live release,
            beside the clock. Its output is in the logs.`,
          fields: { command },
        })
      }
    </header>
    <p>
      ${sayWhen(schedule)} <code class="soft">${schedule}</code><br />
      ${
        next === null
          ? html`<b>${maintenance ? "Left out for now" : "Does not run for now"}</b>`
          : html`<b>Next ${until(next)}</b>`
      }
      <span class="soft">${POLICIES[concurrency]}</span>
    </p>
    ${runs.length > 0 ? runList(app, runs) : html`<p class="hint">It has not run yet.</p>`}
  </section>`;
}

/** "At 03:00, Monday through Friday"; a schedule that has no words stands for itself. */
function sayWhen(schedule: string): string {
  try {
    return inWords(schedule, { use24HourTimeFormat: true });
  } catch {
    return schedule;
  }
}

const LOOKS: Record<CronRun["state"], string> = {
  running: "running",
  done: "live",
  failed: "failed",
  skipped: "held",
  missed: "failed",
};

function runList(app: string, runs: CronRun[]): Html {
  return html`<ul class="runs" aria-label="Runs, newest first">
    ${runs.map(
      ({ due, state, run, exit, finishedAt, why }) =>
        html`<li>
          <span class="state ${LOOKS[state]}">${state}</span> ${when(due)}
          ${exit !== undefined && html`<span class="${exit !== 0 && "bad"}">exit ${exit}</span>`}
          ${finishedAt !== undefined && html`<span class="soft">${duration(Math.max(0, finishedAt - due))}</span>`}
          ${why !== undefined && html`<span class="soft">${why}</span>`}
          ${
            run !== undefined &&
            html`<a href="/apps/${app}/logs?ps=run.${run}" aria-label="Log of run.${run}">log</a>`
          }
        </li>`,
    )}
  </ul>`;
}
