import { html, type Html } from "./html.ts";

/** What the page's script does with a log: search its lines, follow its end. */
export function logTools(label: string): Html {
  return html`<div class="tools" hidden>
    <label class="find">
      <span class="hidden">${label}</span>
      <input type="search" placeholder="${label}" data-search autocomplete="off" />
    </label>
    <span class="found" role="status"></span>
    <label class="check"><input type="checkbox" data-follow checked /> Follow</label>
  </div>`;
}
