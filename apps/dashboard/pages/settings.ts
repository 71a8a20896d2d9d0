import { showBuild } from "../../build-options.ts";
import { GUARD_DEFAULTS, GUARD_RANGES, type GuardLimits, type GuardOptions } from "../../guard.ts";
import type { Mount } from "../../mounts.ts";
import { RETENTION_RANGES, retentionLimits, type Retention } from "../../retention.ts";
import { appForm } from "../asking.ts";
import { checkField, numberField, readAmounts } from "../fields.ts";
import { readText } from "../forms.ts";
import { html, part, type Html } from "../html.ts";
import { confirm, empty } from "../pieces.ts";
import { page, type PageOptions, type Route } from "../route.ts";

/** What of an app is set once: guard, storage, how it is built, what is kept. */
export function settingsPages(options: PageOptions): Route[] {
  const { store } = options;
  return [
    page<"app">({
      path: "/apps/:app/settings",
      subject: "app",
      needs: "read",
      async show({ subject: { name }, mayPush }) {
        const { options: told } = await store.getSettings(name);
        const main = html`<h1>Settings</h1>
          ${part("guard", (own) => html`<section ${own}>${guard(name, told.guard ?? {}, mayPush)}</section>`)}
          ${part("storage", (own) => html`<section ${own}>${storage(name, told.storage?.mounts ?? [], mayPush)}</section>`)}
          ${part("build", (own) => html`<section ${own}>${build(name, showBuild(told.build ?? {}), mayPush)}</section>`)}
          ${part("retention", (own) => html`<section ${own}>${retention(name, told.retention ?? {}, mayPush)}</section>`)}`;
        return { title: `Settings of ${name}`, main, app: name, tab: "settings" };
      },
    }),
    ...settingsForms(options),
  ];
}

function settingsForms(options: PageOptions): Route[] {
  const goes = "/settings";
  return [
    appForm(options, {
      path: "/apps/:app/guard",
      needs: "push",
      action: "change the guard",
      asks: (sent) => ({
        route: "post /apps/:app/guard",
        body: { off: !sent.has("on"), ...readAmounts(sent, GUARD_FIELDS) },
      }),
      goes,
    }),
    appForm(options, {
      path: "/apps/:app/storage/add",
      needs: "push",
      action: "mount storage",
      asks: (sent) => ({
        route: "post /apps/:app/storage",
        body: { mount: readText(sent, "mount"), overlap: sent.has("overlap") },
      }),
      goes,
    }),
    appForm(options, {
      path: "/apps/:app/storage/remove",
      needs: "push",
      action: "unmount storage",
      asks: (sent) => ({
        route: "delete /apps/:app/storage/:source",
        params: { source: encodeURIComponent(readText(sent, "source")) },
      }),
      goes,
    }),
    appForm(options, {
      path: "/apps/:app/build/set",
      needs: "push",
      action: "change build options",
      asks: (sent) => ({
        route: "post /apps/:app/build",
        body: { set: { [readText(sent, "name")]: readText(sent, "value") } },
      }),
      goes,
    }),
    appForm(options, {
      path: "/apps/:app/build/unset",
      needs: "push",
      action: "change build options",
      asks: (sent) => ({
        route: "post /apps/:app/build",
        body: { unset: [readText(sent, "name")] },
      }),
      goes,
    }),
    appForm(options, {
      path: "/apps/:app/retention",
      needs: "push",
      action: "change the retention",
      asks: (sent) => ({
        route: "post /apps/:app/retention",
        body: readAmounts(sent, ["keep", "days"]),
      }),
      goes,
    }),
  ];
}

const GUARD_LABELS: Record<keyof GuardLimits, [label: string, unit?: string]> = {
  window: ["A new colour is watched for", "s"],
  errors: ["So many more answers may fail", "% points"],
  slow: ["So many more may be slow", "% points"],
  crashes: ["So many crashes are too many"],
  requests: ["Below so many answers they are not judged"],
};
const GUARD_FIELDS = Object.keys(GUARD_LABELS) as (keyof GuardLimits)[];

function guard(app: string, told: GuardOptions, mayPush: boolean): Html {
  return html`<h2>Guard</h2>
    <p class="hint">
      After a swap the platform compares the new colour with the one that it replaced, and swaps
      back by itself when it does worse.
    </p>
    <form class="sheet" method="post" action="/apps/${app}/guard">
      <fieldset class="plain" ${!mayPush && html`disabled`}>
        ${checkField("on", "Watch new versions", !told.off)}
        ${GUARD_FIELDS.map((name) => {
          const [label, unit] = GUARD_LABELS[name];
          const range = GUARD_RANGES[name];
          const fallback = GUARD_DEFAULTS[name];
          return numberField({
            name,
            label,
            value: told[name],
            range,
            fallback,
            ...(unit && { unit }),
          });
        })}
      </fieldset>
      ${mayPush && html`<button class="primary">Change the guard</button>`}
      <p class="hint">From the next swap on.</p>
    </form>`;
}

function storage(app: string, mounts: Mount[], mayPush: boolean): Html {
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
                      look: "danger",
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

function build(app: string, options: [name: string, text: string][], mayPush: boolean): Html {
  return html`<h2>Build</h2>
    ${
      options.length > 0
        ? html`<ul class="vars">
            ${options.map(
              ([name, text]) =>
                html`<li>
                  <code class="name">${name}</code> <code class="value">${text}</code>
                  ${
                    mayPush &&
                    html`<form method="post" action="/apps/${app}/build/unset">
                      <input type="hidden" name="name" value="${name}" />
                      <button class="quiet" aria-label="Unset ${name}">Unset</button>
                    </form>`
                  }
                </li>`,
            )}
          </ul>`
        : empty("As the tree says.")
    }
    ${
      mayPush &&
      html`<form class="sheet" method="post" action="/apps/${app}/build/set">
        <label
          >Option
          <input
            name="name"
            required
            list="build-options"
            placeholder="root"
            autocomplete="off"
            spellcheck="false"
        /></label>
        <datalist id="build-options">
          ${["root", "dockerfile", "context", "target", "buildpacks", "submodules", "timeout", "arg.", "env."].map((one) => html`<option value="${one}"></option>`)}
        </datalist>
        <label
          >Value <input name="value" required placeholder="apps/web" spellcheck="false"
        /></label>
        <button class="primary">Set it</button>
        <p class="hint">
          <code>root</code> is the folder that is the app, <code>arg.NAME</code> a build argument,
          <code>env.NAME</code> (with the value <code>on</code>) config that the build may read. The
          next build has them.
        </p>
      </form>`
    }`;
}

function retention(app: string, told: Retention, mayPush: boolean): Html {
  const { keep } = retentionLimits();
  return html`<h2>Kept releases</h2>
    <form class="sheet" method="post" action="/apps/${app}/retention">
      <fieldset class="plain" ${!mayPush && html`disabled`}>
        ${numberField({ name: "keep", label: "Newest good releases whose image is kept", value: told.keep, fallback: keep, range: RETENTION_RANGES.keep })}
        ${numberField({ name: "days", label: "Of these, those not older than", unit: "days", value: told.days, fallback: "any age", range: RETENTION_RANGES.days })}
      </fieldset>
      ${mayPush && html`<button class="primary">Change what is kept</button>`}
      <p class="hint">
        What is live, warm or held is kept however old. The records of all releases stay.
      </p>
    </form>`;
}
