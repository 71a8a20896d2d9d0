import type { AppFacts } from "./app-facts.ts";
import { judgeInstances } from "./findings-instances.ts";
import { judgeSettings } from "./findings-settings.ts";
import { judgeTraffic } from "./findings-traffic.ts";

/**
 * `bad`: people notice it, or soon will; `warn`: something should be mended; `note`: it is as
 * somebody asked for, and worth knowing.
 */
export type Level = "bad" | "warn" | "note";

/** Something about an app that somebody should know, in plain words. */
export interface Finding {
  level: Level;
  /** `memory of web.1` */
  about: string;
  /** What was seen, with its figure. */
  seen: string;
  /** What that means. */
  means: string;
  /** What to do: a command. */
  todo: string;
}

const ORDER: readonly Level[] = ["bad", "warn", "note"];

/** What is wrong with an app, the worst first. Pure: the same facts, the same findings. */
export function findingsOf(facts: AppFacts): Finding[] {
  const all = [...judgeInstances(facts), ...judgeTraffic(facts), ...judgeSettings(facts)];
  return all.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
}
