import { diffReleases, type Change, type ReleaseDiff } from "../../diff.ts";
import { viewReleases, type ReleaseView } from "../../views.ts";
import { megabytes } from "../format.ts";
import type { Retained } from "../../retention.ts";
import { readRetained } from "../../retention-facts.ts";
import { html, part, type Html } from "../html.ts";
import { empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";
import { releaseList } from "../timeline.ts";

const SHOWN = 50;

/** The timeline of an app's releases, each with what it changed. */
export function releasePages(options: PageOptions): Route[] {
  const { store, secrets } = options;
  return [
    page<"app">({
      path: "/apps/:app/releases",
      subject: "app",
      needs: "read",
      async show({ subject: app, mayPush, query }) {
        const before = Number(query.get("before") ?? Infinity) || Infinity;
        const every = await store.listReleases(app.name);
        const all = every.filter(({ n }) => n < before);
        const last = all.slice(0, SHOWN).at(-1)?.n ?? 1;
        const [shown, retained] = await Promise.all([
          viewReleases(app, all.slice(0, SHOWN), options),
          readRetained(
            app,
            every.filter(({ n }) => n >= last),
            store,
          ),
        ]);
        const diffs = new Map<number, ReleaseDiff>();
        all.slice(0, SHOWN).forEach((release, i) => {
          const earlier = all[i + 1];
          if (earlier) diffs.set(release.n, diffReleases(secrets, earlier, release));
        });
        const main = html`<h1>Releases</h1>
          ${part(
            "list",
            (own) =>
              html`<section ${own} aria-label="Releases of ${app.name}">
                ${
                  shown.length > 0
                    ? releaseList(shown, app.name, mayPush, (one) => [
                        retention(one, retained.get(one.n)),
                        difference(one, diffs.get(one.n)),
                      ])
                    : empty("None yet: push one.")
                }
                ${all.length > SHOWN && html`<p><a href="/apps/${app.name}/releases?before=${shown.at(-1)?.n}">Older releases</a></p>`}
              </section>`,
          )}`;
        return { title: `Releases of ${app.name}`, main, app: app.name, tab: "releases" };
      },
    }),
  ];
}

/** Whether one can go back to a release tomorrow too, and why. */
function retention({ status }: ReleaseView, retained: Retained | undefined): Html | null {
  if (!retained || status === "starting") return null;
  const { kept, why } = retained;
  if (status === "gone") {
    return html`<p class="keeps">
      Its image is gone:
      ${kept ? "there was no room by TEAL_IMAGES, or somebody removed it beside the platform" : why}.
    </p>`;
  }
  return kept
    ? html`<p class="keeps">Its image is kept: ${why}.</p>`
    : html`<p class="keeps">Its image goes with the next collection: ${why}.</p>`;
}

/** What a release changed; config by its names alone. */
function difference(release: ReleaseView, diff: ReleaseDiff | undefined): Html | null {
  if (!diff) return null;
  const { config } = diff;
  const lines = [
    ...short("commit", diff.commit && sevenOf(diff.commit)),
    ...short("image", diff.imageBytes && sizesOf(diff.imageBytes)),
    ...config.added.map((name) => line("added", `+ ${name}`)),
    ...config.removed.map((name) => line("removed", `− ${name}`)),
    ...config.changed.map((name) => line("changed", `~ ${name}`)),
    ...Object.entries(diff.processes).flatMap(([name, one]) => short(name, one)),
    ...Object.entries(diff.formation).flatMap(([name, one]) => short(`${name} instances`, one)),
  ];
  if (lines.length === 0) return html`<p class="diff soft">the same as v${diff.from}</p>`;
  return html`<details class="diff">
    <summary>What changed since v${diff.from}</summary>
    <ul aria-label="From v${diff.from} to v${release.n}">
      ${lines}
    </ul>
  </details>`;
}

function short(name: string, change: Change<string | number> | null): Html[] {
  if (!change) return [];
  const is = (value: string | number | null) =>
    value === null ? "none" : value || "the image's own";
  return [line("changed", `${name}: ${is(change.from)} → ${is(change.to)}`)];
}

function sevenOf({ from, to }: Change<string>): Change<string> {
  return { from: from?.slice(0, 7) ?? null, to: to?.slice(0, 7) ?? null };
}

function sizesOf({ from, to }: Change<number>): Change<string> {
  return {
    from: from === null ? null : megabytes(from),
    to: to === null ? null : megabytes(to),
  };
}

function line(kind: string, text: string): Html {
  return html`<li class="${kind}">${text}</li>`;
}
