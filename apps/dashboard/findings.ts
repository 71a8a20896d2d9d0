import type { Diagnosis } from "../diagnoses.ts";
import type { Finding, Level } from "../findings.ts";
import { when } from "./format.ts";
import { html, type Html } from "./html.ts";

const WORDS: Record<Level, string> = { bad: "wrong", warn: "soon wrong", note: "worth knowing" };

/** What is wrong with an app and what to do; nothing before it was looked at. */
export function findingList(diagnosis: Diagnosis | null): Html | null {
  if (!diagnosis) return null;
  const { at, findings } = diagnosis;
  if (findings.length === 0) {
    return html`<p class="well"><b>All is well</b> <small>looked at ${when(at)}</small></p>`;
  }
  return html`<section class="findings" aria-label="What was found">
    <ul>
      ${findings.map(finding)}
    </ul>
    <p><small>Looked at ${when(at)}</small></p>
  </section>`;
}

function finding({ level, about, seen, means, todo }: Finding): Html {
  return html`<li class="${level}">
    <p><span class="state ${level}">${WORDS[level]}</span> <b>${about}</b> <span>${seen}</span></p>
    <p class="soft">${means} <code>${todo}</code></p>
  </li>`;
}
