import { isLooping, LOOP } from "../../crashes.ts";
import { viewApp, type AppView } from "../../views.ts";
import type { Sample } from "../../series.ts";
import { commit, digits, when } from "../format.ts";
import { html, part, type Html } from "../html.ts";
import { lanes, state } from "../pieces.ts";
import { rates, trafficNow } from "../recent.ts";
import { page, type PageOptions, type Route } from "../route.ts";
import { sparkline } from "../sparkline.ts";

interface Card {
  app: AppView;
  commit: string | undefined;
  samples: Sample[];
  /** An instance of what is live crashes again and again. */
  crashing: boolean;
}

/** Pieces of the hour in a sparkline: two minutes each. */
const PIECES = 30;

/** All apps at a glance. */
export function homePages({ store, access, settings, recent, crashes }: PageOptions): Route[] {
  return [
    page({
      path: "/",
      subject: "platform",
      needs: "token",
      async show({ identity }) {
        const seen = (await store.listApps()).filter((one) =>
          access.may(identity, "read", one.name),
        );
        seen.sort((a, b) => a.name.localeCompare(b.name));
        const cards = await Promise.all(
          seen.map(async (app): Promise<Card> => {
            const [view, release, samples, ended] = await Promise.all([
              viewApp(app, store, settings),
              app.live && store.getRelease(app.name, app.live.release),
              recent.of(app.name),
              crashes.list(app.name, Date.now() - LOOP.withinMs),
            ]);
            const live = ended.filter((one) => one.deploy === app.live?.deploy);
            const crashing = live.some(({ instance }) => isLooping(live, instance, Date.now()));
            return { app: view, commit: release?.commit, samples, crashing };
          }),
        );
        return { title: "Apps", main: home(cards) };
      },
    }),
  ];
}

function home(cards: Card[]): Html {
  if (cards.length === 0) return noApps();
  return html`<div class="title">
      <h1>Apps</h1>
      <label class="find" hidden>
        <span class="hidden">Find an app</span>
        <input type="search" placeholder="Find an app" data-find=".app" autocomplete="off" />
      </label>
    </div>
    <ul class="apps">
      ${cards.map((one) => part(`app-${one.app.name}`, (own) => card(own, one)))}
    </ul>`;
}

function noApps(): Html {
  // A part, for an open page is to see the first app come.
  return html`<h1>Apps</h1>
    ${part(
      "none",
      (own) =>
        html`<section class="empty large" ${own}>
          <span class="lanes" aria-hidden="true"><i class="blue"></i><i class="green"></i></span>
          <p>No apps yet. Push one, and its blue lane lights up here.</p>
          <pre tabindex="0">
git remote add deploy http://HOST:PORT/git/APP.git
git push deploy main</pre>
        </section>`,
    )}`;
}

function card(own: Html, { app, commit: full, samples, crashing }: Card): Html {
  const { live, lastDeploy } = app;
  const now = live ? trafficNow(samples, live.colour) : null;
  const rate = digits(now?.rate ?? 0);
  const health = healthOf(app, now, crashing);
  return html`<li class="app" ${own} data-text="${app.name}">
    <a href="/apps/${app.name}">
      ${lanes(app)}
      <span class="name">${app.name}</span>
      <span class="what">
        ${
          live
            ? html`<b class="word ${live.colour}">${live.colour}</b> v${live.release}
                ${commit(full)}`
            : html`<span class="soft">never live</span>`
        }
        ${app.held && html`<span class="state held">v${app.held.release} held</span>`}
      </span>
      <span class="health ${health}">${health}</span>
      <span class="rate"><b>${rate}</b> <small>req/s</small></span>
      ${sparkline(rates(samples, PIECES), `requests over the last hour, now ${rate} a second`)}
      <span class="last">
        ${
          lastDeploy
            ? html`${state(lastDeploy)} ${when(lastDeploy.createdAt)}`
            : html`<span class="soft">no deploy yet</span>`
        }
      </span>
    </a>
  </li>`;
}

/** Of what is live, from the routers' own counts and the containers' ends. */
function healthOf(app: AppView, now: { errors: number } | null, crashing: boolean): string {
  if (app.state === "destroying") return "leaving";
  if (!now) return "idle";
  if (app.stopped) return "stopped";
  if (crashing) return "crashing";
  return now.errors >= 0.05 ? "failing" : "healthy";
}
