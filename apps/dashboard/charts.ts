import { setTimeout as sleep } from "node:timers/promises";
import type { News } from "../news.ts";
import { saturationOf, type Sample } from "../series.ts";
import type { Colour } from "../types.ts";
import type { Feed } from "./feed.ts";
import { html, type Html } from "./html.ts";

/** A swap, on the time axis. */
export interface Mark {
  at: number;
  colour: Colour;
  release: number;
}

/** News that come together are looked at together, ms. */
const GATHER = 500;

const CHARTS = [
  ["rate", "Requests", "a second"],
  ["latency", "Latency", "p50, p95, p99 in ms"],
  ["errors", "Errors", "% of the answers"],
  ["cpu", "CPU", "% of a core, all instances"],
  ["memory", "Memory", "MB, all instances"],
  ["saturation", "Saturation", "% of its limits, the fullest instance"],
] as const;

/** Where the page's script draws the last hour; it is told by the page's stream. @param any without samples it is shown with the first */
export function chartSection(app: string, any: boolean): Html {
  return html`<section
    class="charts"
    ${!any && html`hidden`}
    aria-label="The last hour of ${app}"
    data-charts
  >
    ${CHARTS.map(
      ([id, name, unit]) =>
        html`<figure data-chart="${id}">
          <figcaption>
            <b>${name}</b> <small>${unit}</small> <span class="reading" aria-hidden="true"></span>
          </figcaption>
          <svg role="img" aria-label="${name}, ${unit}, over the last hour: nothing yet"></svg>
        </figure>`,
    )}
  </section>`;
}

/**
 * The last hour and then each new sample, with the swaps. One sample is `[time, seconds, blue's
 * traffic, green's, blue's use, green's]`: traffic `[requests, errors, p50, p95, p99]`, use `[cores,
 * bytes, saturation of the fullest instance]`, each null where there was none.
 */
export function seriesFeed(
  read: () => Promise<Sample[]>,
  swaps: () => Promise<Mark[]>,
  listen: (signal: AbortSignal) => ReturnType<News["listen"]>,
): Feed {
  return async function* (cursor, signal) {
    const visit = listen(signal);
    let last = /^\d{1,15}$/.test(cursor ?? "") ? Number(cursor) : 0;
    let told = "";
    try {
      while (!signal.aborted) {
        const news = visit.next();
        const [samples, marks] = await Promise.all([read(), swaps()]);
        const fresh = samples.filter(({ at }) => at > last);
        const state = JSON.stringify(marks);
        if (fresh.length > 0 || state !== told) {
          last = fresh.at(-1)?.at ?? last;
          told = state;
          yield {
            event: "series",
            data: { marks, samples: fresh.map(compact) },
            cursor: `${last}`,
          };
        }
        await news;
        await sleep(GATHER, undefined, { signal }).catch(() => {});
      }
    } finally {
      visit.end();
    }
  };
}

function compact({ at, seconds, colours, instances }: Sample) {
  const traffic = (colour: Colour) => {
    const one = colours[colour];
    if (!one) return null;
    return [one.requests, one.errors, one.p50 ?? null, one.p95 ?? null, one.p99 ?? null];
  };
  const use = (colour: Colour) => {
    const mine = Object.values(instances).filter((one) => one.colour === colour);
    if (mine.length === 0) return null;
    const cores = mine.reduce((sum, { cpu }) => sum + cpu, 0);
    const bytes = mine.reduce((sum, { memory }) => sum + memory, 0);
    const full = mine.flatMap((one) => saturationOf(one) ?? []);
    return [rounded(cores), bytes, full.length > 0 ? rounded(Math.max(...full)) : null];
  };
  return [at, seconds, traffic("blue"), traffic("green"), use("blue"), use("green")];
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
