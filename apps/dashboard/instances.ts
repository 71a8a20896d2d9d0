import { answersOf, KEPT_MS, type Sample, type Usage } from "../series.ts";
import type { App } from "../types.ts";
import { statusOf, viewInstances, type InstanceView } from "../views.ts";
import { digits, megabytes } from "./format.ts";
import { html, type Html, type Value } from "./html.ts";
import { empty } from "./pieces.ts";
import { requestsNow } from "./recent.ts";
import type { PageOptions } from "./route.ts";

/** An app's instances with their crashes of late. */
export async function instancesOf(
  app: App,
  { store, crashes }: Pick<PageOptions, "store" | "crashes">,
): Promise<InstanceView[]> {
  const [all, ended] = await Promise.all([store.listInstances(app.name), crashes.list(app.name)]);
  return viewInstances(app, all, { crashes: ended });
}

/** What an instance takes up now, as far as it is known. */
export function usageOf(samples: readonly Sample[], id: string): Usage | undefined {
  const last = samples.findLast((sample) => Object.keys(sample.instances).length > 0);
  return last?.instances[id];
}

/**
 * Each instance: how much it uses of processor and memory, how near to its bounds, what went wrong.
 * @param stopped the app was stopped by its people: none of them runs, whatever is on record
 */
export function instanceTable(
  instances: InstanceView[],
  samples: readonly Sample[],
  stopped: boolean,
): Html {
  const shown = instances.filter((one) => one.state !== "removed");
  if (shown.length === 0) return empty("Nothing runs.");
  return html`<div class="scrolls instances" tabindex="0" role="group" aria-label="Instances">
      <table>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">State</th>
            <th scope="col">CPU</th>
            <th scope="col" class="number">Throttled</th>
            <th scope="col">Memory</th>
            <th scope="col" class="number">Requests/s</th>
            <th scope="col" class="number">Errors</th>
            <th scope="col" class="number">Crashes</th>
          </tr>
        </thead>
        <tbody>
          ${shown.map((one) => row(one, stopped ? "stopped" : statusOf(one), samples))}
        </tbody>
      </table>
    </div>
    <p class="hint">Lines, errors and crashes are of the last hour; all else is as it is now.</p>`;
}

function row(one: InstanceView, status: string, samples: readonly Sample[]): Html {
  const usage = usageOf(samples, one.id);
  const { requests, errors } = answersOf(samples, one.id);
  const asked = requests > 0;
  return html`<tr>
    <th scope="row">
      ${one.process}.${one.index} <b class="word ${one.colour}">${one.colour}</b> v${one.as}
    </th>
    ${cell("State", status)} ${cell("CPU", usage && cpuOf(one, usage, samples))}
    ${cell("Throttled", usage?.throttled === undefined ? null : percent(usage.throttled), {
      bad: (usage?.throttled ?? 0) > BUSY,
    })}
    ${cell("Memory", usage && memoryOf(one, usage, samples))}
    ${cell("Requests/s", asked ? digits(requestsNow(samples, one.id)) : null)}
    ${cell("Errors", asked ? failedText(requests, errors) : null, {
      bad: errors > 0,
      title: `${errors} of ${requests} requests`,
    })}
    ${cell("Crashes", one.crashes, {
      bad: one.crashes > 0,
      ...(one.lastCrash !== undefined && { title: one.lastCrash }),
    })}
  </tr>`;
}

/** A figure with its name, which stands beside it where there is no room for the table's heads. */
function cell(
  name: string,
  value: Value,
  { bad = false, title }: { bad?: boolean; title?: string } = {},
): Html {
  const none = value === null || value === undefined;
  const looks = [!LEFT.has(name) && "number", bad && "bad", none && "none"].filter(Boolean);
  return html`<td class="${looks.join(" ")}" data-name="${name}" title="${none ? null : title}">
    ${value}
  </td>`;
}

/** Columns that are no mere numbers. */
const LEFT = new Set(["State", "CPU", "Memory"]);

const percent = (share: number) => `${Math.round(share * 100)} %`;

function failedText(requests: number, errors: number): string {
  const share = (errors / requests) * 100;
  const said = errors === 0 ? "" : ` (${share < 0.1 ? "< 0.1" : digits(share)} %)`;
  return `${errors.toLocaleString("en")}${said}`;
}

function cpuOf(one: InstanceView, usage: Usage, samples: readonly Sample[]): Html {
  return html`<span class="measure">
    ${usageLine(samples, one, ["CPU", 0.1, ({ cpu }) => cpu, percent])}
    <span>${percent(usage.cpu)}</span>
    ${usage.cpus !== undefined && meterOf(usage.cpu, usage.cpus)}
  </span>`;
}

function memoryOf(one: InstanceView, usage: Usage, samples: readonly Sample[]): Html {
  const { memory, limit } = usage;
  return html`<span class="measure ${limit > 0 && memory / limit > FULL && "bad"}">
    ${usageLine(samples, one, ["Memory", 1, (used) => used.memory, megabytes])}
    <span>${megabytes(memory)}</span> ${limit > 0 && meterOf(memory, limit)}
  </span>`;
}

/** A share of a limit from which on it is marked. */
export const FULL = 0.9;
/** A share of the time in which it waits for a processor. */
const BUSY = 0.25;

function meterOf(used: number, limit: number): Html {
  const of = Math.min(1, used / limit);

  return html`<meter
    min="0"
    max="1"
    high="${FULL}"
    value="${of.toFixed(2)}"
    title="${percent(of)} of its limit"
    aria-label="of its limit"
  ></meter>`;
}

const MINUTE = 60_000;
const MINUTES = KEPT_MS / MINUTE;
const LINE = { width: 110, height: 22 };

type Figure = [
  name: string,
  /** The scale goes up to this at least. */
  least: number,
  of: (usage: Usage) => number,
  text: (value: number) => string,
];

/** One figure of an instance over the last hour, the most of each minute, from 0 up. */
function usageLine(
  samples: readonly Sample[],
  { id, colour, process, index }: InstanceView,
  [name, least, of, text]: Figure,
): Html {
  const most: number[] = [];
  const first = Math.floor(Date.now() / MINUTE) - MINUTES + 1;
  for (const { at, instances } of samples) {
    const [minute, usage] = [Math.floor(at / MINUTE) - first, instances[id]];
    if (usage && minute >= 0) most[minute] = Math.max(most[minute] ?? 0, of(usage));
  }
  const seen = most.flatMap((value, minute) => (value === undefined ? [] : [{ minute, value }]));
  if (seen.length < 2) return html``;
  const highest = Math.max(...seen.map(({ value }) => value));
  const points = seen.map(({ minute, value }) => {
    const x = (minute / (MINUTES - 1)) * LINE.width;
    const y = LINE.height - 1 - (value / Math.max(least, highest)) * (LINE.height - 2);
    return `${x.toFixed(0)} ${y.toFixed(1)}`;
  });
  const says = `${name} of ${process}.${index} over the last hour, at most ${text(highest)}`;
  return html`<svg
    class="usage ${colour}"
    viewBox="0 0 ${LINE.width} ${LINE.height}"
    role="img"
    aria-label="${says}"
  >
    <path d="M${points.join("L")}" />
  </svg>`;
}
