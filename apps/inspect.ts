import type { CheckLook, ContainerLook } from "./app-look.ts";
import { askWorker, type FactSources, RECENT_MS } from "./app-facts.ts";
import { TealError } from "./errors.ts";
import { type Answers, answersOf } from "./series.ts";
import type { App } from "./types.ts";
import { type InstanceView, viewInstances } from "./views.ts";

/** An instance as it is on record, and as a worker saw it just now. */
export type Inspected = InstanceView & {
  container: ContainerLook | null;
  checks: CheckLook[];
  /** Of the last five minutes. */
  answers: Answers;
};

/**
 * The app's instances, those of the live colour first.
 * @param named `web.1`; all without it @throws no-worker, instance-not-found
 */
export async function inspectInstances(
  sources: Pick<FactSources, "store" | "crashes" | "workers" | "series">,
  app: App,
  named?: string,
): Promise<Inspected[]> {
  const { store, crashes, series } = sources;
  const [look, found, ended, samples, settings] = await Promise.all([
    askWorker(sources, app.name),
    store.listInstances(app.name),
    crashes.list(app.name),
    series.read(app.name, Date.now() - RECENT_MS),
    store.getSettings(app.name),
  ]);
  const rests = settings.options.stopped === true;
  const all = viewInstances(app, found, { crashes: ended, rests }).filter(
    ({ process, index }) => named === undefined || `${process}.${index}` === named,
  );
  if (named !== undefined && all.length === 0) {
    throw new TealError("instance-not-found", { name: app.name, instance: named });
  }
  if (look === null) throw new TealError("no-worker");
  return all
    .toSorted((a, b) => Number(b.serves === "live") - Number(a.serves === "live"))
    .map((one) => {
      const seen = look.instances.find(({ id }) => id === one.id);
      const answers = answersOf(samples, one.id);
      return { ...one, container: seen?.container ?? null, checks: seen?.checks ?? [], answers };
    });
}
