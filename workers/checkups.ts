import type { Crashes } from "../apps/crashes.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { App, Instance, Release } from "../apps/types.ts";
import type { AppNotes } from "./app-notes.ts";
import { startChecks, withinOf } from "./check.ts";
import {
  ailment,
  type Course,
  isAside,
  isLost,
  leaves,
  note,
  type Patient,
  remembered,
  restarted,
  serves,
  verdict,
} from "./checkup-state.ts";
import { restingTypes } from "./exclusive.ts";
import { attempt, type Prober } from "./health.ts";
import { liveInstances } from "./live-instances.ts";
import type { Routers } from "./ports.ts";

interface Options {
  store: Pick<
    Store,
    | ("listApps" | "getRoute" | "getRelease" | "getSettings" | "listInstances")
    | ("listDeploys" | "getSteps" | "routers" | "publish")
  >;
  crashes: Pick<Crashes, "record" | "list" | "spare">;
  routers: Pick<Routers, "counts">;
  containers: Prober["containers"] & {
    restart(id: string, seconds: number): Promise<void>;
    stop(id: string): Promise<void>;
  };
  hostOf(app: string): string;
  notes: Pick<AppNotes, "note">;
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

/** What routers are told holds for so long unless it is told again. */
const ASIDE_MS = 10_000;
/** Routers that have not heard by then send on what they have. */
const HEARD_MS = 500;
/** Looks so far apart are another term of this worker's: what it knew is old. */
const TERM_MS = 15_000;
/** What hangs does not end by being asked to; the app's own grace time may be a day. */
const GRACE_S = 10;
const ANSWER_MS = 2000;
const BACK_WITHIN_MS = 60_000;

/**
 * Asks live instances the liveness and readiness checks of their app. One that fails a readiness
 * check, or comes back from a restart, gets no requests while there are others; one that fails a
 * liveness check is restarted in place.
 */
export function createCheckups(options: Options): Checkups {
  const { store, log, now } = options;
  const patients = new Map<string, Patient>();
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
      ...{ instance, courses: [], returning: false, since: now(), spared: false, busy: false },
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
    if (!turned || check.type === "liveness") return;
    say(instance, found.healthy ? "passes its readiness check again" : unready(found.text));
    await tell(app.name);
  }

  async function runs({ id, host = "" }: Instance): Promise<boolean> {
    const state = await options.containers.inspect(id);
    return state?.running === true && state.addresses.includes(host);
  }

  async function treat(app: App, release: Release, patient: Patient): Promise<void> {
    const { instance } = patient;
    const web = instance.process === "web";
    const prober = proberOf(app.name);
    const answers = web && (await attempt(instance, undefined, prober, ANSWER_MS)).healthy;
    const others = [...patients.values()].filter(
      (it) => it !== patient && isOfType(it.instance, instance),
    );
    const says = ailment(patient)?.says ?? "";
    const what = verdict(patient, others, { now: now(), answers });
    if (what === "restart") return restart(app, release, patient, says);
    if (what === "wait" || patient.spared) return;
    patient.spared = true;
    say(instance, `fails its liveness check (${says}) and is left alone: ${SPARED}`);
    await options.crashes.spare(instance, `${nameOf(instance)}: ${says}`);
  }

  /** Requests go to others first, and come back when it has passed what a new one has to pass. */
  async function restart(app: App, release: Release, patient: Patient, says: string) {
    const { instance } = patient;
    const { id, deploy } = instance;
    leaves(patient, now());
    restarted(patient, now());
    await tell(app.name);
    await heard(app.name);
    if (!(await isLive(app, id))) return;
    const crash = {
      ...{ at: now(), instance: id, process: nameOf(instance), release: instance.release, deploy },
      ...{ cause: "hung" as const, status: 0, detail: `liveness: ${says}` },
    };
    say(instance, `fails its liveness check (${says}) and is restarted`);
    const loops = await options.crashes.record(app.name, crash);
    log.warn({ app: app.name, instance: id, says, loops }, "an instance is restarted");
    const { grace = GRACE_S } = release.runtime?.[instance.process] ?? {};
    await options.containers.restart(id, Math.min(grace, GRACE_S));
    patient.since = now();
    // Retired or told to rest in the meantime: whoever did that may have stopped it before this.
    if (!(await isLive(app, id))) await options.containers.stop(id);
  }

  async function isLive(app: App, id: string): Promise<boolean> {
    const found = (await liveInstances(store, app)).find((it) => it.id === id);
    return found !== undefined && !(await restingTypes(store, app.name)).includes(found.process);
  }

  /** Routers hear all events in their order: who answers a later one has heard this one. */
  async function heard(app: string): Promise<void> {
    const ids = (await store.routers()).filter((it) => !it.expired).map((it) => it.id);
    await options.routers.counts(app, ids, HEARD_MS);
  }

  /** Back from a restart: is it as healthy as a new one has to be? */
  async function welcome(app: App, release: Release, patient: Patient): Promise<void> {
    const { instance } = patient;
    if (!(await runs(instance))) return;
    const told = startChecks(release, instance.process);
    const wanted = told.length > 0 || instance.process !== "web" ? told : [undefined];
    for (const check of wanted.filter((it) => !it?.warn)) {
      const ms = check?.timeoutMs ?? ANSWER_MS;
      if (!(await attempt(instance, check, proberOf(app.name), ms)).healthy) return;
    }
    serves(patient, release.checks?.[instance.process] ?? [], now());
    patient.spared = false;
    say(instance, "is healthy again");
    await tell(app.name);
  }

  function ended(id: string): void {
    const patient = patients.get(id);
    if (!patient || patient.returning) return;
    leaves(patient, now());
    void tell(patient.instance.app).catch(() => {});
  }

  function asideOf(app: string): string[] {
    const all = [...patients.values()].filter((it) => it.instance.app === app && isAside(it));
    return all.filter((it) => it.instance.process === "web").map((it) => it.instance.id);
  }

  async function tell(app: string): Promise<void> {
    await store.publish({ type: "aside", app, ids: asideOf(app), forMs: ASIDE_MS });
  }

  function proberOf(app: string): Prober {
    return { containers: options.containers, hostHeader: options.hostOf(app) };
  }

  function say(instance: Instance, text: string): void {
    const { app, colour, release } = instance;
    options.notes.note(app, { text: `${nameOf(instance)} ${text}`, colour, release });
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

const SPARED = "restarting another one did not help, and no other is healthy";

function unready(text: string): string {
  return `fails its readiness check (${text}): requests go to others while there are others`;
}

function nameOf({ process, index }: Instance): string {
  return `${process}.${index}`;
}

function isOfType(one: Instance, other: Instance): boolean {
  return one.app === other.app && one.process === other.process;
}
