import type { DeployLog } from "../deploy-log.ts";
import type { Deploy } from "../types.ts";
import { duration } from "./format.ts";
import { html, type Html } from "./html.ts";

/** A step of a deploy, as its log tells it. */
export interface Step {
  text: string;
  at: number;
  /** Where its line is in the log, from 1. */
  line: number;
}

export interface Steps {
  of(deploy: string): Promise<Step[]>;
}

const BATCH = 1000;
const MOST_KNOWN = 50;

/** Steps of deploys: each look reads only the lines that are new. */
export function createSteps(deployLog: Pick<DeployLog, "read">): Steps {
  const known = new Map<string, { last: string | undefined; lines: number; steps: Step[] }>();
  return {
    async of(deploy) {
      const state = known.get(deploy) ?? { last: undefined, lines: 0, steps: [] };
      known.delete(deploy);
      known.set(deploy, state);
      for (const [oldest] of known) if (known.size > MOST_KNOWN) known.delete(oldest);
      for (;;) {
        const { last } = state;
        const lines = await deployLog.read(deploy, last, BATCH);
        // Somebody else may have looked meanwhile.
        if (state.last !== last) continue;
        for (const { kind, text, at } of lines) {
          state.lines += 1;
          if (kind === "step") state.steps.push({ text, at, line: state.lines });
        }
        state.last = lines.at(-1)?.id ?? last;
        if (lines.length < BATCH) return state.steps;
      }
    },
  };
}

/** What a deploy has done and how long each took; the last goes on while the deploy does. */
export function stepList(deploy: Deploy, steps: readonly Step[]): Html {
  const goesOn = deploy.state === "running" || deploy.state === "queued";
  return html`<ol class="steps">
    ${steps.map((step, i) => {
      const end = steps[i + 1]?.at ?? deploy.finishedAt;
      const last = i === steps.length - 1;
      const state = last && goesOn ? "now" : last && deploy.state === "failed" ? "failed" : "done";
      return html`<li class="${state}">
        <a href="/apps/${deploy.app}/deploys/${deploy.id}#L${step.line}">${step.text}</a>
        <span class="took">${end ? duration(Math.max(0, end - step.at)) : "…"}</span>
      </li>`;
    })}
  </ol>`;
}
