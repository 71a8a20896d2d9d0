import { type FactSources, readAppFacts } from "./app-facts.ts";
import { type Finding, findingsOf } from "./findings.ts";
import type { Log } from "./log.ts";
import type { News } from "./news.ts";
import type { App } from "./types.ts";

/** What was found the last time that an app was looked at. */
export interface Diagnosis {
  /** ms since the epoch */
  at: number;
  findings: Finding[];
}

/**
 * What is wrong with apps, for pages that are made again with every event: a look takes seconds and
 * asks containers, so pages get what the last one found.
 */
export interface Diagnoses {
  /** What is known; null: nothing yet. One that is old begins a look, and `news` tells of its end. */
  of(app: App): Diagnosis | null;
}

interface Options {
  sources: FactSources;
  news: Pick<News, "tell">;
  /** After it no look begins, and one that goes on tells nobody. */
  signal: AbortSignal;
  log: Log;
}

interface Known {
  /** The app's deploy and colour that it is true of. */
  of: string;
  asked: number;
  diagnosis: Diagnosis | null;
}

/** An app that somebody looks at is looked at so often, ms. */
const EVERY = 60_000;
/** After a swap sooner, but not at once: what has just started has no figures yet, ms. */
const SOON = 10_000;
/** Apps that are remembered; the one asked for longest ago goes. */
const MOST_KNOWN = 200;
/** Looks at the same time. What is asked for meanwhile waits for the next time that its page is made. */
const MOST_LOOKS = 2;

export function createDiagnoses({ sources, news, signal, log }: Options): Diagnoses {
  const known = new Map<string, Known>();
  let looks = 0;

  async function look(app: App, entry: Known): Promise<void> {
    looks += 1;
    try {
      const facts = await readAppFacts(sources, app);
      entry.diagnosis = { at: facts.at, findings: findingsOf(facts) };
      if (!signal.aborted) news.tell(app.name);
    } catch (error) {
      log.debug({ app: app.name, error: String(error) }, "no diagnosis");
    } finally {
      looks -= 1;
    }
  }

  return {
    of(app) {
      const now = Date.now();
      const key = `${app.name} ${app.id}`;
      const entry = known.get(key) ?? { of: stateOf(app), asked: 0, diagnosis: null };
      known.delete(key);
      known.set(key, entry);
      for (const [oldest] of known) if (known.size > MOST_KNOWN) known.delete(oldest);
      const changed = entry.of !== stateOf(app);
      const due = now - entry.asked > (changed ? SOON : EVERY);
      if (due && looks < MOST_LOOKS && !signal.aborted) {
        Object.assign(entry, { of: stateOf(app), asked: now });
        void look(app, entry);
      }
      return entry.diagnosis;
    },
  };
}

function stateOf({ live, standby, held }: App): string {
  return [live, standby, held].map((slot) => slot?.deploy ?? "-").join(" ");
}
