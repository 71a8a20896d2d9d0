import { rm } from "node:fs/promises";
import { appLogDir } from "../apps/app-log-files.ts";
import type { Settings } from "../apps/config.ts";
import { TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import { openConfig, type Secrets } from "../apps/secrets.ts";
import type { Store } from "../apps/store.ts";
import type { Deploy } from "../apps/types.ts";
import { createAppNotes } from "./app-notes.ts";
import { createCollector } from "./collector.ts";
import type { Concealer } from "./conceal.ts";
import type { createDocker } from "./engine/client.ts";
import { followContainer, lastOutput } from "./engine/log-stream.ts";
import { createWatch } from "./engine/watch.ts";
import type { SaidLog } from "./ports.ts";

interface Options {
  settings: Settings;
  store: Pick<Store, "getRelease">;
  secrets: Secrets;
  concealer: Concealer;
  docker: ReturnType<typeof createDocker>;
  log: Log;
}

const LIMITS = { perSecond: 512 * 1024, burst: 4 * 1024 * 1024 };

/** The logs of apps, as a worker writes them. */
export function createLogs({ settings, store, secrets, concealer, docker, log }: Options) {
  const { logs } = settings.paths;
  const index = process.env["TEAL_PROCESS_INDEX"] || "1";
  const notes = createAppNotes({ logs, index, log });
  const collector = createCollector({
    logs,
    watch: createWatch(docker, settings.namespace),
    follow: (id, how) => followContainer(docker, id, how),
    lastOutput: (id) => lastOutput(docker, id),
    async learn(app, n) {
      const release = await store.getRelease(app, n);
      if (!release) throw new TealError("release-not-found", { name: app, release: `v${n}` });
      concealer.learn(app, Object.values(openConfig(secrets, release)));
    },
    conceal: (app, text) => concealer.conceal(app, text),
    note: notes.note,
    limits: { appBytes: settings.appLogBytes, ...LIMITS },
    log,
  });
  return {
    collector,
    notes,
    removeLogs: (app: string) => rm(appLogDir(logs, app), { recursive: true, force: true }),
    /** What a deploy's log tells of its steps stands in the app's log too. */
    noting(deploy: Deploy, said: SaidLog): SaidLog {
      return {
        ...said,
        say(kind, text) {
          said.say(kind, text);
          if (kind === "output" || kind === "info") return;
          notes.begin(deploy.app, { text: `${deploy.id}: ${said.conceal(text)}` });
        },
      };
    },
  };
}
