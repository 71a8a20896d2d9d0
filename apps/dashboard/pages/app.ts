import type { AppOptions } from "../../options.ts";
import { otherColour, type App, type Colour, type Deploy } from "../../types.ts";
import { viewApp, viewReleases } from "../../views.ts";
import { appForm } from "../asking.ts";
import { chartSection, seriesFeed, type Mark } from "../charts.ts";
import { findingList } from "../findings.ts";
import { readNumber } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { instancesOf, instanceTable } from "../instances.ts";
import { lane, type Stage } from "../lane.ts";
import { confirm, deployList, empty, kindOf, state } from "../pieces.ts";
import { page, type PageOptions, type Route, type Visit } from "../route.ts";
import { stepList, type Step } from "../steps.ts";
import { releaseList } from "../timeline.ts";

const SHOWN = 6;
/** Swaps that are looked for in the last hour. */
const SWAPS = 40;

/** One app: the two colours as they are now, what is going on, and the last hour. */
export function appPages(options: PageOptions): Route[] {
  const { recent } = options;
  return [
    page<"app">({
      path: "/apps/:app",
      subject: "app",
      needs: "read",
      async show(visit) {
        const name = visit.subject.name;
        const main = await overview(visit, options);
        return { title: name, main, app: name, tab: "overview", from: [""] };
      },
      feeds: ({ subject: { name } }) => [
        seriesFeed(
          () => recent.of(name),
          () => swapsOf(name, options),
          (signal) => options.news.listen(name, signal),
        ),
      ],
    }),
    ...lifeForms(options),
  ];
}

async function overview(visit: Visit<App>, options: PageOptions): Promise<Html> {
  const { store, settings, recent, steps, watches, diagnoses } = options;
  const { subject: app, mayPush } = visit;
  const [view, deploys, all, instances, samples, watch, { options: told }] = await Promise.all([
    viewApp(app, store, settings),
    store.listDeploys(app.name, SHOWN),
    store.listReleases(app.name),
    instancesOf(app, options),
    recent.of(app.name),
    watches.get(app.name),
    store.getSettings(app.name),
  ]);
  const [releases, progress] = await Promise.all([
    viewReleases(app, all.slice(0, SHOWN), options),
    Promise.all(deploys.filter(goesOn).map(async (one) => [one, await steps.of(one.id)] as const)),
  ]);
  const doing = doingOf(progress);
  const stage: Stage = { app: view, instances, samples, releases: all, watch, doing, mayPush };
  return html`<div class="title">
      <h1>${app.name}</h1>
      <a class="address" href="${view.url}" rel="noreferrer">${view.url}</a>
    </div>
    ${part("shut", (own) => html`<div ${own}>${shut(app.name, told)}</div>`)}
    ${part("going-on", (own) => html`<div ${own}>${goingOn(app, progress, mayPush)}</div>`)}
    ${part("stage", (own) => html`<section class="stage" ${own} aria-label="The two colours">${lane("blue", stage)}${lane("green", stage)}</section>`)}
    ${part("findings", (own) => html`<div ${own}>${findingList(diagnoses.of(app))}</div>`)}
    ${chartSection(app.name, samples.length > 0)}
    ${part(
      "instances",
      (own) =>
        html`<section ${own}>
          <h2>Instances</h2>
          ${instanceTable(instances, samples, view.stopped)}
        </section>`,
    )}
    <div class="pair">
      ${part(
        "deploys",
        (own) =>
          html`<section ${own}>
            <h2><a href="/apps/${app.name}/deploys">Deploys</a></h2>
            ${deploys.length > 0 ? deployList(deploys) : empty("None yet.")}
          </section>`,
      )}
      ${part(
        "releases",
        (own) =>
          html`<section ${own}>
            <h2><a href="/apps/${app.name}/releases">Releases</a></h2>
            ${releases.length > 0 ? releaseList(releases, app.name, false) : empty("None yet: push one.")}
          </section>`,
      )}
    </div>`;
}

/** What goes into a colour that is not live; changes that start nothing do not. */
function doingOf(progress: (readonly [Deploy, Step[]])[]): Stage["doing"] {
  const [deploy, steps] = progress.find(([one]) => one.kind !== "routing") ?? [];
  return deploy ? { deploy: deploy.id, step: steps?.at(-1)?.text ?? "waits its turn" } : null;
}

/** Why nobody gets an answer of the app, where its people said so. */
function shut(app: string, told: AppOptions): Html | null {
  if (told.stopped) {
    return html`<p class="alert">
      <b>Stopped.</b> Routers answer 503. <a href="/apps/${app}/processes">Start it</a>
    </p>`;
  }
  if (!told["routing.maintenance"]) return null;
  return html`<p class="alert">
    <b>In maintenance.</b> Routers answer 503. <a href="/apps/${app}/routing">End it</a>
  </p>`;
}

function goesOn({ state: now }: Deploy): boolean {
  return now === "running" || now === "queued";
}

function goingOn(app: App, progress: (readonly [Deploy, Step[]])[], mayPush: boolean): Html {
  if (app.state === "destroying") return html`<p class="alert">This app is being destroyed.</p>`;
  return html`${progress.map(
    ([deploy, steps]) =>
      html`<section class="progress" aria-label="Deploy ${deploy.id}">
        <h2>
          ${state(deploy)}
          <a href="/apps/${app.name}/deploys/${deploy.id}">${deploy.id}</a>
          <small>${kindOf(deploy)} by ${deploy.by}</small>
        </h2>
        ${steps.length > 0 ? stepList(deploy, steps) : html`<p class="hint">It waits its turn.</p>`}
        ${mayPush && cancelDeploy(deploy)}
      </section>`,
  )}`;
}

/** The button that ends a deploy that goes on. */
export function cancelDeploy({ app, id }: Deploy): Html {
  return confirm({
    id: `cancel-${id}`,
    button: "Cancel",
    look: "quiet",
    action: `/apps/${app}/deploys/${id}/cancel`,
    yes: "Cancel the deploy",
    says: `${id} stops at its next step. What is live is not touched.`,
  });
}

/** The swaps of the last hour, oldest first. Each went to the other colour, back from what is live now. */
async function swapsOf(name: string, { store }: PageOptions): Promise<Mark[]> {
  const app = await store.getApp(name);
  if (!app?.live) return [];
  const live = app.live;
  const deploys = (await store.listDeploys(name, SWAPS)).filter(
    (one) => one.state === "live" && one.release !== undefined && one.release <= live.release,
  );
  let colour: Colour = otherColour(live.colour);
  const marks = deploys.flatMap(({ release, finishedAt }) => {
    if (release === undefined || finishedAt === undefined) return [];
    colour = otherColour(colour);
    return { at: release === live.release ? live.since : finishedAt, colour, release };
  });
  return marks.toReversed();
}

function lifeForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/rollback",
      needs: "push",
      action: "roll back",
      asks(sent) {
        const to = readNumber(sent, "to");
        return { route: "post /apps/:app/rollback", body: to === undefined ? {} : { to } };
      },
      goes: "",
    }),
    appForm(options, {
      path: "/apps/:app/promote",
      needs: "push",
      action: "promote",
      asks: () => ({ route: "post /apps/:app/promote" }),
      goes: "",
    }),
    appForm(options, {
      path: "/apps/:app/abort",
      needs: "push",
      action: "abort",
      asks: () => ({ route: "post /apps/:app/abort" }),
      goes: "",
    }),
  ];
}
