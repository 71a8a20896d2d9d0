import type { DeployLog } from "../apps/deploy-log.ts";
import { clean } from "../apps/deploy-log-text.ts";
import type { Log } from "../apps/log.ts";
import type { SaidLog } from "./ports.ts";

/**
 * A deploy's log as a function that never waits: lines are kept in order and written together.
 * A store that is down loses no deploy, only lines.
 * @param conceal masks secrets. It is given lines as they will be shown: an escape sequence within a
 * secret, which is taken out of the line, hides it from nobody.
 */
export function openLog(
  deployLog: Pick<DeployLog, "append">,
  deploy: string,
  log: Log,
  conceal: (text: string) => string,
): SaidLog {
  type Line = Parameters<DeployLog["append"]>[1][number];
  let waiting: Line[] = [];
  let writing: Promise<void> = Promise.resolve();

  function write(): void {
    writing = writing.then(async () => {
      const lines = waiting;
      waiting = [];
      if (lines.length === 0) return;
      await deployLog.append(deploy, lines).catch((error) => {
        log.warn({ deploy, error: String(error), lines: lines.length }, "log lines lost");
      });
    });
  }

  return {
    say(kind, text) {
      waiting.push(...clean(text).map((line) => ({ kind, text: conceal(line) })));
      write();
    },
    flush: () => writing,
    conceal,
  };
}
