import type { Mount } from "../mounts.ts";
import { appForm } from "./asking.ts";
import { checkField } from "./fields.ts";
import { readText } from "./forms.ts";
import { html, type Html } from "./html.ts";
import { confirm, empty } from "./pieces.ts";
import type { PageOptions, Route } from "./route.ts";

/** What the app keeps outside its containers. */
export function storage(app: string, mounts: Mount[], mayPush: boolean): Html {
  return html`<h2>Storage</h2>
    ${
      mounts.length > 0
        ? html`<ul class="vars">
            ${mounts.map(
              ({ source, target }, i) =>
                html`<li>
                  <code class="name">${source}</code>
                  <span class="value">at <code>${target}</code></span>
                  ${
                    mayPush &&
                    confirm({
                      id: `unmount-${i}`,
                      button: `Unmount ${source}`,
                      look: "quiet",
                      harms: true,
                      action: `/apps/${app}/storage/remove`,
                      yes: "Unmount and release",
                      says: html`The next version no longer sees <code>${target}</code>. What is in
                        it stays.`,
                      fields: { source },
                    })
                  }
                </li>`,
            )}
          </ul>`
        : empty("None: what the app writes is gone with its container.")
    }
    ${
      mayPush &&
      html`<form class="sheet" method="post" action="/apps/${app}/storage/add">
        <label
          >Volume and where the app finds it
          <input
            name="mount"
            required
            placeholder="data:/data"
            autocomplete="off"
            spellcheck="false"
        /></label>
        ${checkField("overlap", "At a swap two versions may use it at once", false)}
        <button class="primary">Mount and release</button>
      </form>`
    }`;
}

export function storageForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/storage/add",
      needs: "push",
      action: "mount storage",
      asks: (sent) => ({
        route: "post /apps/:app/storage",
        body: { mount: readText(sent, "mount"), ...(sent.has("overlap") && { overlap: true }) },
      }),
      goes: "/settings",
    }),
    appForm(options, {
      path: "/apps/:app/storage/remove",
      needs: "push",
      action: "unmount storage",
      asks: (sent) => ({
        route: "delete /apps/:app/storage/:source",
        params: { source: encodeURIComponent(readText(sent, "source")) },
      }),
      goes: "/settings",
    }),
  ];
}
