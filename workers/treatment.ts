import type { Crashes } from "../apps/crashes.ts";
import type { Log } from "../apps/log.ts";
import type { App, Instance, Release } from "../apps/types.ts";
import { startChecks } from "./check.ts";
import { ailment, leaves, type Patient, restarted, serves, verdict } from "./checkup-state.ts";
import { restingTypes } from "./exclusive.ts";
import { attempt } from "./health.ts";
import { liveInstances } from "./live-instances.ts";
import { nameOf } from "./names.ts";
import type { Ward, WardOptions } from "./ward.ts";

interface Options extends Pick<WardOptions, "store" | "containers"> {
  ward: Ward;
  crashes: Pick<Crashes, "record" | "spare" | "recovered">;
  /** ms since the epoch */
  now(): number;
  log: Log;
}

/** What hangs does not end by being asked to; the app's own grace time may be a day. */
const GRACE_S = 10;
const ANSWER_MS = 2000;
const SPARED = "restarting another one did not help, and no other is healthy";

/** Restarts in place what fails its liveness check, and lets it serve again once it is healthy. */
export function createTreatment({ ward, store, containers, crashes, now, log }: Options) {
  async function treat(app: App, release: Release, patient: Patient): Promise<void> {
    const { instance } = patient;
    const web = instance.process === "web";
    const prober = ward.proberOf(app.name);
    const answers = web && (await attempt(instance, undefined, prober, ANSWER_MS)).healthy;
    const others = [...ward.patients.values()].filter(
      (it) => it !== patient && isOfType(it.instance, instance),
    );
    const says = ailment(patient)?.says ?? "";
    const what = verdict(patient, others, { now: now(), answers });
    if (what === "restart") return restart(app, release, patient, says);
    if (what === "wait" || patient.spared) return;
    patient.spared = true;
    ward.say(instance, `fails its liveness check (${says}) and is left alone: ${SPARED}`);
    await crashes.spare(instance, `${nameOf(instance)}: ${says}`);
  }

  /** Requests go to others first, and come back when it has passed what a new one has to pass. */
  async function restart(app: App, release: Release, patient: Patient, says: string) {
    const { instance } = patient;
    const { id, deploy } = instance;
    // The container that is meant: should it be another's turn by then, that has one of its own.
    const made = await containers.idOf(id);
    if (made === null) return;
    leaves(patient, now());
    restarted(patient, now());
    await ward.tell(app.name);
    await ward.heard(app.name);
    if (!(await isLive(app, id))) return;
    const crash = {
      ...{ at: now(), instance: id, process: nameOf(instance), release: instance.release, deploy },
      ...{ cause: "hung" as const, status: 0, detail: `liveness: ${says}` },
    };
    ward.say(instance, `fails its liveness check (${says}) and is restarted`);
    const loops = await crashes.record(app.name, crash);
    log.warn({ app: app.name, instance: id, says, loops }, "an instance is restarted");
    const { grace = GRACE_S } = release.runtime?.[instance.process] ?? {};
    await containers.restart(made, Math.min(grace, GRACE_S));
    patient.since = now();
    // Retired or told to rest in the meantime: whoever did that may have stopped it before this.
    if (!(await isLive(app, id))) await containers.stop(made);
  }

  async function isLive(app: App, id: string): Promise<boolean> {
    const found = (await liveInstances(store, app)).find((it) => it.id === id);
    return found !== undefined && !(await restingTypes(store, app.name)).includes(found.process);
  }

  /** Back from a restart: is it as healthy as a new one has to be? */
  async function welcome(app: App, release: Release, patient: Patient): Promise<void> {
    const { instance } = patient;
    if (!(await ward.runs(instance))) return;
    const told = startChecks(release, instance.process);
    const wanted = told.length > 0 || instance.process !== "web" ? told : [undefined];
    for (const check of wanted.filter((it) => !it?.warn)) {
      const ms = check?.timeoutMs ?? ANSWER_MS;
      if (!(await attempt(instance, check, ward.proberOf(app.name), ms)).healthy) return;
    }
    serves(patient, release.checks?.[instance.process] ?? [], now());
    await recover(patient, "is healthy");
    await ward.tell(app.name);
  }

  /** Should it fail once more, that is told anew. */
  async function recover(patient: Patient, how: string): Promise<void> {
    const { instance, spared } = patient;
    patient.spared = false;
    ward.say(instance, `${how} again`);
    if (spared) await crashes.recovered(instance.id);
  }

  return { treat, welcome, recover };
}

function isOfType(one: Instance, other: Instance): boolean {
  return one.app === other.app && one.process === other.process;
}
