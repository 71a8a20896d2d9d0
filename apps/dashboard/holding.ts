import { readPromoteAfter } from "../promote-after.ts";
import type { AppSettings } from "../types.ts";
import { appForm } from "./asking.ts";
import { readChoice } from "./forms.ts";
import { html, type Html } from "./html.ts";
import type { PageOptions, Route } from "./route.ts";

/** Whether new versions wait in the idle colour, and for how long. */
export function holding(app: string, { hold, options }: AppSettings): Html {
  const { promoteAfter } = options;
  const by = promoteAfter === undefined ? "" : `, or until ${span(promoteAfter)} are over`;
  return html`<section>
    <h2>Hold</h2>
    <p>
      ${
        hold
          ? `New versions wait in the idle colour until they are promoted${by}.`
          : "New versions become live as soon as they are healthy."
      }
    </p>
    <form class="sheet" method="post" action="/apps/${app}/hold">
      <label
        >Promoted by itself after
        <input
          name="promoteAfter"
          value="${promoteAfter !== undefined && span(promoteAfter)}"
          placeholder="never: 10m, 2h"
          pattern="\\d+[smhd]"
          autocomplete="off"
      /></label>
      <div class="buttons">
        <button class="${hold ? "quiet" : "primary"}" name="hold" value="on">
          ${hold ? "Change the time" : "Hold new versions"}
        </button>
        ${hold && html`<button class="quiet" name="hold" value="off">Swap at once again</button>`}
      </div>
    </form>
  </section>`;
}

/** Seconds as the form takes them: `10m`. */
function span(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
  ] as const;
  const unit = units.find(([, one]) => seconds % one === 0);
  return unit ? `${seconds / unit[1]}${unit[0]}` : `${seconds}s`;
}

export function holdForm(options: PageOptions): Route {
  return appForm(options, {
    path: "/apps/:app/hold",
    needs: "push",
    action: "hold new versions",
    asks(sent) {
      const hold = readChoice(sent, "hold", ["on", "off"]) === "on";
      const after = sent.get("promoteAfter")?.trim() ?? "";
      const promoteAfter = hold && after !== "" ? { promoteAfter: readPromoteAfter(after) } : {};
      return { route: "post /apps/:app/hold", body: { hold, ...promoteAfter } };
    },
    goes: "/processes",
  });
}
