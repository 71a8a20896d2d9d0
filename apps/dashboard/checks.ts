import { checkRows } from "../check-rows.ts";
import { describeCrash, type Crash } from "../crashes.ts";
import type { Release } from "../types.ts";
import { duration, when } from "./format.ts";
import { html, type Html } from "./html.ts";
import { empty } from "./pieces.ts";

/** Crashes that are shown. */
const CRASHES = 20;

/** What its app.json says of when an instance is well. */
export function checks(release: Release): Html {
  return html`<h2>Checks</h2>
    <div class="scrolls" tabindex="0" role="group" aria-label="Checks">
      <table>
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col">Check</th>
            <th scope="col">When</th>
            <th scope="col" class="number">Tries</th>
            <th scope="col" class="number">Each within</th>
            <th scope="col" class="number">Between</th>
          </tr>
        </thead>
        <tbody>
          ${checkRows(release).map(
            ({ process, check, when: time, attempts, timeoutMs, waitMs, warn }) =>
              html`<tr>
                <th scope="row">${process}</th>
                <td><code>${check}</code>${warn && " (only told)"}</td>
                <td>${time}</td>
                <td class="number">${attempts ?? "while the deploy waits"}</td>
                <td class="number">${timeoutMs === null ? "–" : duration(timeoutMs)}</td>
                <td class="number">${waitMs === null ? "–" : duration(waitMs)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="hint">
      As <code>app.json</code> of v${release.n} says, under <code>healthchecks</code>.
    </p>`;
}

/** How instances ended that should not have. */
export function crashList(all: Crash[]): Html {
  const newest = all.toReversed();
  return html`<h2>Crashes</h2>
    ${
      newest.length > 0
        ? html`<ul class="rows">
            ${newest.slice(0, CRASHES).map(
              (one) =>
                html`<li class="row">
                  <b>v${one.release}</b> <span>${describeCrash(one)}</span>
                  <span class="soft">${when(one.at)}</span>
                </li>`,
            )}
          </ul>`
        : empty("None of late.")
    }`;
}
