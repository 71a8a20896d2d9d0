import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  appLogDir,
  instanceLogName,
  type LogPosition,
  readLogName,
} from "../apps/app-log-files.ts";
import type { Log } from "../apps/log.ts";
import { keepBudget, readLogEnd } from "./app-log-file.ts";
import type { Note } from "./app-notes.ts";
import { type LogLimits, openContainerLog } from "./container-log.ts";
import type { LineSink } from "./engine/log-stream.ts";
import type { ContainerEvent, createWatch, LoggedContainer } from "./engine/watch.ts";
import { becomeOnlyOne } from "./only-one.ts";

interface Options {
  logs: string;
  watch: ReturnType<typeof createWatch>;
  follow(
    id: string,
    how: { since: LogPosition | null; signal: AbortSignal; sink: LineSink },
  ): Promise<boolean>;
  lastOutput(id: string): Promise<LogPosition | null>;
  /** Makes known what is secret in the release's output. Until it has been, none is read. */
  learn(app: string, release: number): Promise<void>;
  conceal(app: string, text: string): string;
  note(app: string, note: Note): void;
  limits: LogLimits;
  log: Log;
}

export interface Collector {
  /** Keeps the output of all instances on this machine until the signal, unless another process does. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when a stopped container's output is all kept, or after two seconds. */
  collected(id: string): Promise<void>;
}

const LOOK_MS = 2000;
const COLLECTED_MS = 2000;
const COLLECTED_LOOK_MS = 25;
const MOST_FILES = 400;

/**
 * Follows every instance's output into its file. Where it was when it was cut off, by a restart of
 * this process or of the engine, the file itself says.
 */
export function createCollector(options: Options): Collector {
  const { logs, watch, log } = options;
  /** True while it is followed; false when all that there was is kept. */
  const followed = new Map<string, boolean>();
  const running = new Set<Promise<void>>();
  const trims = new Map<string, Promise<void>>();
  let known: LoggedContainer[] = [];

  async function look(signal: AbortSignal): Promise<void> {
    known = await watch.list();
    const ids = new Set(known.map(({ id }) => id));
    for (const [id, active] of followed) if (!active && !ids.has(id)) followed.delete(id);
    for (const container of known) {
      const active = followed.get(container.id);
      const more = active === undefined || (!active && container.running);
      if (container.fresh || !more || signal.aborted) continue;
      followed.set(container.id, true);
      const task = follow(container, signal).finally(() => {
        followed.set(container.id, false);
        running.delete(task);
      });
      running.add(task);
    }
  }

  async function follow(container: LoggedContainer, signal: AbortSignal): Promise<void> {
    const { id, app } = container;
    const failed = new AbortController();
    try {
      await options.learn(app, container.release);
      const kept = await openContainerLog({
        ...options,
        container,
        grown: () =>
          void trim(app).catch((error) =>
            log.warn({ app, error: String(error) }, "no room is made"),
          ),
        failed(error) {
          log.warn({ container: id, error: String(error) }, "output is not kept for now");
          failed.abort();
        },
      });
      await trim(app);
      const ends = AbortSignal.any([signal, failed.signal]);
      try {
        await options.follow(id, { since: kept.since, signal: ends, sink: kept.sink });
      } finally {
        await kept.close();
      }
    } catch (error) {
      log.warn({ container: id, error: String(error) }, "output is not followed for now");
    }
  }

  /** One at a time for an app: two would both tell of the same lines. */
  function trim(app: string): Promise<void> {
    const going = trims.get(app);
    if (going) return going;
    const begun = makeRoom(app).finally(() => trims.delete(app));
    trims.set(app, begun);
    return begun;
  }

  async function makeRoom(app: string): Promise<void> {
    const inUse = new Set(known.filter((it) => it.app === app).map(instanceLogName));
    const { appBytes: maxBytes } = options.limits;
    const dir = appLogDir(logs, app);
    const removed = await keepBudget(dir, { maxBytes, maxFiles: MOST_FILES, inUse });
    const whose = [...new Set(removed.map(ownerOf))].join(", ");
    if (whose) options.note(app, { text: `the oldest lines are gone, for want of room: ${whose}` });
  }

  return {
    async run(signal) {
      if (!(await becomeOnlyOne(`logs ${logs}`, signal))) return;
      const reporter = createReporter(options.note);
      const tryToLook = () =>
        look(signal).catch((error) => {
          log.debug({ error: String(error) }, "containers cannot be listed");
        });
      const events = watch.events(signal, {
        event(it) {
          reporter(it);
          if (it.action === "start" && followed.get(it.container.id) === false) {
            followed.delete(it.container.id);
          }
          if (it.action === "start") void tryToLook();
        },
        connected: () => void tryToLook(),
      });
      while (!signal.aborted) {
        await tryToLook();
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      }
      await Promise.all([events, ...running]);
    },
    async collected(id) {
      const container = await watch.find(id);
      const last = container && !container.fresh ? await options.lastOutput(id) : null;
      if (!container || !last) return;
      const path = join(appLogDir(logs, container.app), instanceLogName(container));
      const over = performance.now() + COLLECTED_MS;
      while (performance.now() < over) {
        const end = await readLogEnd(path);
        if (end && (end.t > last.t || (end.t === last.t && end.n >= last.n))) return;
        await sleep(COLLECTED_LOOK_MS);
      }
    },
  };
}

/** `web.1 of v7` */
function ownerOf(name: string): string {
  const { from = name, release } = readLogName(name) ?? {};
  return release === undefined ? from : `${from} of v${release}`;
}

/** Says in the app's log how its instances begin and end. */
function createReporter(note: Options["note"]): (event: ContainerEvent) => void {
  const told = new Set<string>();
  const starved = new Set<string>();
  return ({ action, container, exitCode }) => {
    const { id, app, process, index, colour, release } = container;
    const say = (text: string) =>
      note(app, { text: `${process}.${index} ${text}`, release, ...(colour && { colour }) });
    if (action === "start") say("started");
    if (action === "kill") told.add(id);
    if (action === "oom") starved.add(id);
    if (action !== "die") return;
    const [wasTold, wasStarved] = [told.delete(id), starved.delete(id)];
    if (wasStarved) say("was killed: it ran out of memory");
    else if (wasTold) say(`stopped, as it was told to (status ${exitCode})`);
    else say(`ended by itself with status ${exitCode}`);
  };
}
