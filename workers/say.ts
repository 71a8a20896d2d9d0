import type { DeployLog } from "../apps/deploy-log.ts";
import type { Log } from "../apps/log.ts";
import type { Say } from "./ports.ts";

/**
 * A deploy's log as a function that never waits: lines are kept in order and written together.
 * A store that is down loses no deploy, only lines.
 */
export function openLog(
  deployLog: Pick<DeployLog, "append">,
  deploy: string,
  log: Log,
): { say: Say; flush(): Promise<void> } {
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
      waiting.push({ kind, text });
      write();
    },
    flush: () => writing,
  };
}
