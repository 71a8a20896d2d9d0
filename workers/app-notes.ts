import { existsSync } from "node:fs";
import { join } from "node:path";
import { appLogDir } from "../apps/app-log-files.ts";
import type { Log } from "../apps/log.ts";
import type { Colour } from "../apps/types.ts";
import { openLogFile } from "./app-log-file.ts";

/** Something that the platform did or saw, for the app's own log. */
export interface Note {
  text: string;
  colour?: Colour;
  release?: number;
}

export interface AppNotes {
  /** Never waits and never throws: what cannot be written is lost. */
  note(app: string, note: Note): void;
  /** The same where there is no log of the app yet. */
  begin(app: string, note: Note): void;
}

const MAX_BYTES = 1024 * 1024;

/** The platform's own lines in the logs of apps. @param index of this worker on this machine */
export function createAppNotes({
  logs,
  index,
  log,
}: {
  logs: string;
  index: string;
  log: Log;
}): AppNotes {
  let writing: Promise<void> = Promise.resolve();

  function begin(app: string, note: Note): void {
    const line = { t: Date.now(), from: "teal", ...note };
    writing = writing.then(async () => {
      // Opened for each: a folder that was removed with its app is not written to any more.
      const path = join(appLogDir(logs, app), `teal-${index}.jsonl`);
      const file = openLogFile(path, { maxBytes: MAX_BYTES, grown() {} });
      try {
        await file.append([line]);
      } catch (error) {
        log.warn({ app, error: String(error) }, "a line of the app's log is lost");
      }
      await file.close().catch(() => {});
    });
  }

  return {
    begin,
    note(app, note) {
      if (existsSync(appLogDir(logs, app))) begin(app, note);
    },
  };
}
