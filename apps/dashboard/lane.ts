import type { Watch } from "../guard.ts";
import { saturationOf, type Sample } from "../series.ts";
import { otherColour, type Colour, type Release } from "../types.ts";
import type { AppView, InstanceView } from "../views.ts";
import { commit, count, digits, duration, megabytes, when } from "./format.ts";
import { html, type Html, type Value } from "./html.ts";
import { FULL, usageOf } from "./instances.ts";
import { confirm, roleOf } from "./pieces.ts";
import { trafficNow } from "./recent.ts";

/** What the two lanes of an app are made of. */
export interface Stage {
  app: AppView;
  instances: InstanceView[];
  samples: Sample[];
  releases: Release[];
  /** How the newest release does beside the one before it. */
  watch: Watch | null;
  /** The deploy that goes on, and its newest step. */
  doing: { deploy: string; step: string } | null;
  mayPush: boolean;
}

/** One colour of an app, as it is now. The lit one is live. */
export function lane(colour: Colour, stage: Stage): Html {
  const { app, releases, mayPush } = stage;
  const role = roleOf(app, colour);
  const slot = [app.live, app.held, app.standby].find((one) => one?.colour === colour);
  const mine = stage.instances.filter((one) => one.colour === colour && one.state !== "removed");
  if (!slot) return idleLane(colour, mine, stage);
  const release = releases.find((one) => one.n === slot.release);
  const shut = role === "live" && app.stopped;
  return html`<article
    class="lane ${colour} ${role}${shut && html` stopped`}"
    aria-labelledby="lane-${colour}"
  >
    ${role === "live" && !shut && html`<span class="light" aria-hidden="true"></span>`}
    <header>
      <h2 id="lane-${colour}">${colour}</h2>
      <p class="role">
        <b>${role}</b> since ${when(slot.since)}${shut && ", stopped now"}
        ${
          role !== "live" &&
          app.idleUrl !== null &&
          html`· <a href="${app.idleUrl}" rel="noreferrer">look at it</a>`
        }
      </p>
    </header>
    <p class="release">
      <a href="/apps/${app.name}/releases#v${slot.release}">v${slot.release}</a>
      ${commit(release?.commit)}
    </p>
    ${role === "live" && guardLine(slot.release, stage.watch)}
    ${role === "standby" && comingLine(stage)}
    <p class="why">${release?.why}${release && html` <small>by ${release.by}</small>`}</p>
    ${figures(colour, mine, stage)} ${mayPush && role === "standby" && rollBack(app, colour)}
    ${mayPush && role === "held" && promoteOrAbort(app, colour)}
  </article>`;
}

function idleLane(colour: Colour, mine: InstanceView[], stage: Stage): Html {
  const { app, doing } = stage;
  const next = app.live ? otherColour(app.live.colour) : "blue";
  const comes = mine.length > 0 || (doing !== null && colour === next);
  const first = html`The first version starts here: <code>git push deploy main</code>`;
  return html`<article
    class="lane ${colour} idle${comes && html` coming`}"
    aria-labelledby="lane-${colour}"
  >
    <header>
      <h2 id="lane-${colour}">${colour}</h2>
      <p class="role"><b>${mine.length > 0 ? "starting" : comes ? "next" : "idle"}</b></p>
    </header>
    <p class="why">
      ${
        doing && comes
          ? html`<b>${doing.deploy}</b> ${doing.step}`
          : mine.length > 0
            ? `${count(mine.length, "instance")} on the way.`
            : app.live
              ? "The next version starts here, beside the live one."
              : colour === "blue"
                ? first
                : "The version after the first starts here."
      }
    </p>
  </article>`;
}

/** What takes the standby's place once it is healthy. */
function comingLine({ doing }: Stage): Html | null {
  return (
    doing && html`<p class="guard"><b>${doing.deploy}</b> takes this colour next: ${doing.step}</p>`
  );
}

/** What the guard says of the live release. */
function guardLine(release: number, watch: Watch | null): Html | null {
  if (watch?.state === "watching" && watch.release === release) {
    return html`<p class="guard">
      <b>On guard</b> for ${watch.limits.window} s after its swap: back to v${watch.against} if it
      does worse
    </p>`;
  }
  if (watch?.state === "tripped" && watch.release < release) {
    return html`<p class="guard bad">
      <b>The guard swapped back</b> from v${watch.release}: ${watch.why}
    </p>`;
  }
  return null;
}

function figures(colour: Colour, mine: InstanceView[], { app, samples }: Stage): Html {
  const now = trafficNow(samples, colour);
  const up = mine.filter((one) => one.serves !== null);
  const usage = up.flatMap((one) => usageOf(samples, one.id) ?? []);
  const cpu = usage.reduce((sum, one) => sum + one.cpu, 0);
  const memory = usage.reduce((sum, one) => sum + one.memory, 0);
  const near = usage.flatMap((one) => saturationOf(one) ?? []);
  const full = near.length > 0 ? Math.max(...near) : null;
  const figure = (name: string, value: Value, bad = false) =>
    html`<div>
      <dt>${name}</dt>
      <dd class="${bad && "bad"}">${value}</dd>
    </div>`;
  const unknown = html`<span class="soft">–</span>`;
  const ms = (value: number | null) => (value === null ? unknown : duration(value));
  return html`<dl class="figures">
    ${figure("Requests/s", digits(now.rate))} ${figure("p50", ms(now.p50))}
    ${figure("p99", ms(now.p99))}
    ${figure("Errors", now.rate > 0 ? `${digits(now.errors * 100)} %` : unknown, now.errors >= 0.01)}
    ${figure("Instances", `${up.length} ${up.length > 0 ? healthOf(colour, app, up) : ""}`)}
    ${figure("CPU", usage.length > 0 ? `${Math.round(cpu * 100)} %` : unknown)}
    ${figure("Memory", usage.length > 0 ? megabytes(memory) : unknown)}
    ${figure("Saturation", full === null ? unknown : `${Math.round(full * 100)} %`, (full ?? 0) > FULL)}
  </dl>`;
}

function healthOf(colour: Colour, app: AppView, up: InstanceView[]): string {
  if (app.stopped && app.live?.colour === colour) return "stopped";
  if (up.some((one) => one.looping)) return "crashing";
  return up.every((one) => one.state === "live" || one.state === "healthy")
    ? "healthy"
    : "starting";
}

function rollBack(app: AppView, colour: Colour): Html {
  const [standby, live] = [app.standby, app.live];
  if (!standby || !live) return html``;
  return html`<div class="actions">
    ${confirm({
      id: "ask-rollback",
      button: `Roll back to v${standby.release}`,
      action: `/apps/${app.name}/rollback`,
      yes: "Swap now",
      says: html`<b class="word ${colour}">${colour}</b> still runs v${standby.release} and takes
        over at once; <b class="word ${live.colour}">${live.colour}</b> (v${live.release}) stays
        warm. No request is dropped.`,
    })}
  </div>`;
}

function promoteOrAbort(app: AppView, colour: Colour): Html {
  const { held, live } = app;
  if (!held) return html``;
  const other = otherColour(colour);
  return html`<div class="actions">
    ${confirm({
      id: "ask-promote",
      button: `Promote v${held.release}`,
      action: `/apps/${app.name}/promote`,
      yes: "Make it live",
      says: html`v${held.release} is healthy in <b class="word ${colour}">${colour}</b> and becomes
        live;
        ${live ? html`<b class="word ${other}">${other}</b> (v${live.release}) stays warm.` : "it is the first."}
        No request is dropped.`,
    })}
    ${confirm({
      id: "ask-abort",
      button: "Abort",
      look: "danger",
      action: `/apps/${app.name}/abort`,
      yes: "Throw it away",
      says: `v${held.release} is stopped and never becomes live. What is live is not touched.`,
    })}
  </div>`;
}
