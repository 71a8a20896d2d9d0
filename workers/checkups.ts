import type { Crashes } from "../apps/crashes.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { App, Instance, Release } from "../apps/types.ts";
import { startChecks, withinOf } from "./check.ts";
import {
  ailment,
  type Course,
  passesLiveness,
  isLost,
  leaves,
  note,
  type Patient,
  remembered,
  serves,
} from "./checkup-state.ts";
import { attempt } from "./health.ts";
import { liveInstances } from "./live-instances.ts";
import { createTreatment } from "./treatment.ts";
import { createWard, type WardOptions } from "./ward.ts";

interface Options extends WardOptions {
  store: WardOptions["store"] & Pick<Store, "listApps" | "getRelease">;
  crashes: Pick<Crashes, "record" | "list" | "spare" | "isSpared" | "recovered">;
  /** ms since the epoch */
  now(): number;
  log: Log;
}

export interface Checkups {
  /** One round over all that is live. */
  look(): Promise<void>;
  /** The instance's process has ended, and the engine starts it again. */
  ended(instance: string): void;
}

/** Looks so far apart are another term of this worker's: what it knew is old. */
const TERM_MS = 15_000;
const BACK_WITHIN_MS = 60_000;

/**
 * Asks live instances the liveness and readiness checks of their app. One that fails a readiness
 * check, or comes back from a restart, gets no requests while there are others; one that fails a
 * liveness check is restarted in place.
 */
export function createCheckups(options: Options): Checkups {
  const { store, log, now } = options;
  const ward = createWard(options);
  const { patients, asideOf, tell, runs, proberOf, say } = ward;
  const { treat, welcome, recover } = createTreatment({ ...options, ward });
  const releases = new Map<string, Release | null>();
  let lastLook = 0;

  async function releaseOf({ name, live }: App): Promise<Release | null> {
    if (!live) return null;
    const key = `${name} ${live.release}`;
    if (!releases.has(key)) releases.set(key, await store.getRelease(name, live.release));
    return releases.get(key) ?? null;
  }

  async function lookAt(app: App, seen: Set<string>): Promise<void> {
    const release = await releaseOf(app);
    if (!release || Object.keys(release.checks ?? {}).length === 0) return;
    for (const instance of await liveInstances(store, app)) {
      if (!release.checks?.[instance.process]) continue;
      seen.add(instance.id);
      const patient = patients.get(instance.id) ?? (await admit(instance, release));
      if (patient.busy) continue;
      patient.busy = true;
      // A check may take its whole time; the next round does not wait for it.
      void tend(app, release, patient)
        .catch((error) => log.warn({ id: instance.id, error: String(error) }, "a look put off"))
        .finally(() => (patient.busy = false));
    }
    if (asideOf(app.name).length > 0) await tell(app.name);
  }

  async function admit(instance: Instance, release: Release): Promise<Patient> {
    const all = await options.crashes.list(instance.app);
    const hung = all.filter((it) => it.instance === instance.id && it.cause === "hung");
    const times = hung.map(({ at }) => at);
    const patient: Patient = {
      ...{ instance, courses: [], returning: false, since: now(), busy: false },
      spared: await options.crashes.isSpared(instance.id),
      ...remembered(times, now()),
      backWithinMs: Math.max(
        BACK_WITHIN_MS,
        ...startChecks(release, instance.process).map((it) => withinOf(it, BACK_WITHIN_MS)),
      ),
    };
    serves(patient, release.checks?.[instance.process] ?? [], now());
    patients.set(instance.id, patient);
    return patient;
  }

  async function tend(app: App, release: Release, patient: Patient): Promise<void> {
    if (patient.returning) await welcome(app, release, patient);
    // What hangs again on its way back would else stay away for ever.
    if (patient.returning && !isLost(patient, now())) return;
    await Promise.all(
      patient.courses
        .filter(({ nextAt }) => now() >= nextAt)
        .filter(({ check }) => check.type === "liveness" || !patient.returning)
        .map((course) => ask(app, patient, course)),
    );
    if (ailment(patient)) await treat(app, release, patient);
  }

  async function ask(app: App, patient: Patient, course: Course): Promise<void> {
    const { instance } = patient;
    const { check } = course;
    const found = await attempt(instance, check, proberOf(app.name), check.timeoutMs);
    // One whose process has ended is the engine's, until it runs again.
    if (!found.healthy && !(await runs(instance))) return ended(instance.id);
    const turned = note(course, found, now());
    if (check.type === "liveness") {
      if (patient.spared && passesLiveness(patient))
        await recover(patient, "passes its liveness check");
      return;
    }
    if (!turned) return;
    say(instance, found.healthy ? "passes its readiness check again" : unready(found.text));
    await tell(app.name);
  }

  function ended(id: string): void {
    const patient = patients.get(id);
    if (!patient || patient.returning) return;
    leaves(patient, now());
    void tell(patient.instance.app).catch(() => {});
  }

  return {
    ended,
    async look() {
      if (now() > lastLook + TERM_MS) patients.clear();
      lastLook = now();
      const seen = new Set<string>();
      const apps = await store.listApps();
      for (const app of apps) if (app.state === "active") await lookAt(app, seen);
      for (const id of patients.keys()) if (!seen.has(id)) patients.delete(id);
      const live = new Set(apps.map(({ name, live: slot }) => `${name} ${slot?.release}`));
      for (const key of releases.keys()) if (!live.has(key)) releases.delete(key);
    },
  };
}

function unready(text: string): string {
  return `fails its readiness check (${text}): requests go to others while there are others`;
}
