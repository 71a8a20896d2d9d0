import { KEPT_MS, type Sample, type Usage } from "../series.ts";
import type { App } from "../types.ts";
import { statusOf, viewInstances, type InstanceView } from "../views.ts";
import { megabytes } from "./format.ts";
import { html, type Html } from "./html.ts";
import { empty } from "./pieces.ts";
import type { PageOptions } from "./route.ts";

/** An app's instances with their crashes of late. */
export async function instancesOf(
  app: App,
  { store, crashes }: Pick<PageOptions, "store" | "crashes">,
): Promise<InstanceView[]> {
  const [all, ended] = await Promise.all([store.listInstances(app.name), crashes.list(app.name)]);
  return viewInstances(app, all, ended);
}

/** What an instance takes up now, as far as it is known. */
export function usageOf(samples: readonly Sample[], id: string): Usage | undefined {
  const last = samples.findLast((sample) => Object.keys(sample.instances).length > 0);
  return last?.instances[id];
}

/** Each instance with its use of processor and memory. */
export function instanceTable(instances: InstanceView[], samples: readonly Sample[]): Html {
  const shown = instances.filter((one) => one.state !== "removed");
  if (shown.length === 0) return empty("Nothing runs.");
  return html`<div class="scrolls" tabindex="0" role="group" aria-label="Instances">
    <table>
      <thead>
        <tr>
          <th scope="col">Instance</th>
          <th scope="col">Colour</th>
          <th scope="col">Release</th>
          <th scope="col">State</th>
          <th scope="col">Last hour's CPU</th>
          <th scope="col" class="number">CPU</th>
          <th scope="col" class="number">Memory</th>
          <th scope="col" class="number">Crashes</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map((one) => row(one, usageOf(samples, one.id), usageLine(samples, one)))}
      </tbody>
    </table>
  </div>`;
}

function row(one: InstanceView, usage: Usage | undefined, line: Html): Html {
  const share = usage && usage.limit > 0 ? usage.memory / usage.limit : null;
  return html`<tr>
    <th scope="row">${one.process}.${one.index}</th>
    <td><b class="word ${one.colour}">${one.colour}</b></td>
    <td>v${one.as}</td>
    <td>${statusOf(one)}</td>
    <td>${line}</td>
    <td class="number">${usage && `${Math.round(usage.cpu * 100)} %`}</td>
    <td class="number ${share !== null && share > 0.9 && "bad"}">
      ${usage && megabytes(usage.memory)}
      ${share !== null && html`<meter min="0" max="1" high="0.9" value="${share.toFixed(2)}" aria-label="of its limit"></meter>`}
    </td>
    <td class="number ${one.crashes > 0 && "bad"}" title="${one.lastCrash}">${one.crashes}</td>
  </tr>`;
}

const LINE = { width: 120, height: 22 };

/** Its use of processor over the last hour, from 0 to the most, at least a tenth of a core. */
function usageLine(samples: readonly Sample[], { id, colour, process, index }: InstanceView): Html {
  const seen = samples.flatMap(({ at, instances }) => {
    const usage = instances[id];
    return usage ? [{ at, cpu: usage.cpu }] : [];
  });
  if (seen.length < 2) return html``;
  const most = Math.max(0.1, ...seen.map(({ cpu }) => cpu));
  const from = Date.now() - KEPT_MS;
  const points = seen.map(({ at, cpu }) => {
    const x = Math.max(0, ((at - from) / KEPT_MS) * LINE.width);
    return `${x.toFixed(1)} ${(LINE.height - 1 - (cpu / most) * (LINE.height - 2)).toFixed(1)}`;
  });
  const says = `CPU of ${process}.${index} over the last hour, at most ${Math.round(most * 100)} %`;
  return html`<svg
    class="usage ${colour}"
    viewBox="0 0 ${LINE.width} ${LINE.height}"
    role="img"
    aria-label="${says}"
  >
    <path d="M${points.join("L")}" />
  </svg>`;
}
