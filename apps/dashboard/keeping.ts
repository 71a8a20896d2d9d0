import { GUARD_DEFAULTS, GUARD_RANGES, type GuardLimits, type GuardOptions } from "../guard.ts";
import { RETENTION_RANGES, retentionLimits, type Retention } from "../retention.ts";
import { appForm } from "./asking.ts";
import { checkField, numberField, readAmounts } from "./fields.ts";
import { html, type Html } from "./html.ts";
import type { PageOptions, Route } from "./route.ts";

const GUARD_LABELS: Record<keyof GuardLimits, [label: string, unit?: string]> = {
  window: ["A new colour is watched for", "s"],
  errors: ["So many more answers may fail", "% points"],
  slow: ["So many more may be slow", "% points"],
  crashes: ["So many crashes are too many"],
  requests: ["Below so many answers they are not judged"],
};
const GUARD_FIELDS = Object.keys(GUARD_LABELS) as (keyof GuardLimits)[];

/** What a new version is watched for after its swap. */
export function guard(app: string, told: GuardOptions, mayPush: boolean): Html {
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

/** Which releases can be gone back to. */
export function retention(app: string, told: Retention, mayPush: boolean): Html {
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

export function keepingForms(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/guard",
      needs: "push",
      action: "change the guard",
      asks: (sent) => ({
        route: "post /apps/:app/guard",
        body: { off: !sent.has("on"), ...readAmounts(sent, GUARD_FIELDS) },
      }),
      goes: "/settings",
    }),
    appForm(options, {
      path: "/apps/:app/retention",
      needs: "push",
      action: "change the retention",
      asks: (sent) => ({
        route: "post /apps/:app/retention",
        body: readAmounts(sent, ["keep", "days"]),
      }),
      goes: "/settings",
    }),
  ];
}
