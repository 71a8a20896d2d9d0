import { graceOf, PIDS, RUNTIME_RANGES, type ProcessRuntime, type Runtime } from "../runtime.ts";
import { appForm } from "./asking.ts";
import { checkField, numberField, readAmounts } from "./fields.ts";
import { readText } from "./forms.ts";
import { html, type Html } from "./html.ts";
import type { PageOptions, Route } from "./route.ts";

type Amount = keyof typeof RUNTIME_RANGES;

const FIELDS: Record<Amount, [label: string, unit: string | null, fallback: string | number]> = {
  memory: ["Memory", "MiB", "¼ of all"],
  cpus: ["Processors", null, "all"],
  pids: ["Processes and threads", null, PIDS],
  grace: ["From SIGTERM to SIGKILL", "s", graceOf()],
  time: ["Each command may take", "s", 3600],
};

/** What instances may take up and how long they have to stop, a form per process type. */
export function limitForms(app: string, types: string[], told: Runtime, mayPush: boolean): Html {
  return html`<h2>Limits and grace</h2>
    <div class="sheets">
      ${types.map((type) => {
        const own = told[type] ?? {};
        return html`<form
          class="sheet"
          method="post"
          action="/apps/${app}/runtime"
          aria-label="Limits of ${type}"
        >
          <h3>${type}</h3>
          <input type="hidden" name="type" value="${type}" />
          <fieldset class="plain" ${!mayPush && html`disabled`}>
            ${fieldsOf(type).map((name) => fieldOf(name, own))}
            ${checkField("readOnly", "Nothing but /tmp can be written to", own.readOnly === true)}
          </fieldset>
          ${mayPush && html`<button class="primary">Change and release</button>`}
        </form>`;
      })}
    </div>`;
}

function fieldsOf(type: string): Amount[] {
  const all = Object.keys(FIELDS) as Amount[];
  return all.filter((name) => (type === "release" ? name !== "grace" : name !== "time"));
}

function fieldOf(name: Amount, own: ProcessRuntime): Html {
  const [label, unit, usual] = FIELDS[name];
  const drains = name === "grace" && own.handover === "drain";
  const fallback = drains ? graceOf({ handover: "drain" }) : usual;
  const range = RUNTIME_RANGES[name];
  const step = name === "cpus" ? "any" : 1;
  return numberField({
    ...{ name, label, value: own[name], fallback, range, step },
    ...(unit !== null && { unit }),
  });
}

export function limitRoutes(options: PageOptions): Route[] {
  return [
    appForm(options, {
      path: "/apps/:app/runtime",
      needs: "push",
      action: "change the limits",
      asks(sent) {
        const type = readText(sent, "type");
        const limits = readAmounts(sent, fieldsOf(type));
        const readOnly = sent.has("readOnly") || null;
        return {
          route: "post /apps/:app/runtime",
          body: { runtime: { [type]: { ...limits, readOnly } } },
        };
      },
      goes: "/processes",
    }),
  ];
}
