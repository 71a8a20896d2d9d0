import { randomBytes } from "node:crypto";
import type { WebSocket } from "ws";
import { TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import type { Run, RunWish } from "../apps/run-protocol.ts";
import type { Store } from "../apps/store.ts";
import type { App, Release } from "../apps/types.ts";
import { viewInstances } from "../apps/views.ts";
import type { AppNotes } from "./app-notes.ts";
import type { Attached } from "./engine/attached.ts";
import type { RunEngine } from "./engine/runs.ts";
import { insideCommand, runCommand } from "./run-command.ts";
import { serveRun } from "./run-session.ts";

interface Options {
  store: Pick<Store, "getApp" | "getRelease" | "listInstances">;
  engine: RunEngine;
  notes: Pick<AppNotes, "begin">;
  /** The text without what is secret in the release. */
  conceal(release: Release, text: string): string;
  namespace: string;
  /** Names this process: what people are attached to by it goes when it goes. */
  process: string;
  log: Log;
}

export interface Runs {
  /** Makes what is asked for; what is not detached waits for somebody to be attached. */
  request(app: string, by: string, wish: RunWish): Promise<Run>;
  /** False when this worker has no such run that waits. */
  attach(id: string, socket: WebSocket): boolean;
  /** Does this run of this app wait here for somebody? */
  waits(app: string, id: string): boolean;
  /** Ends all that people are attached to. */
  close(): Promise<void>;
}

const MOST_PER_APP = 10;
const MOST = 50;
const ATTACH_MS = 15_000;
/** Whatever it does, it is over after this time. */
const LONGEST_MS = 24 * 3600 * 1000;

/** One-off commands in containers of the live release, and further ones in its instances. */
export function createRuns(options: Options): Runs {
  const { store, engine, notes } = options;
  const waiting = new Map<string, { app: string; attached: Attached; timer: NodeJS.Timeout }>();
  const open = new Set<Attached>();
  /** The end of the last request of each app that has any under way. */
  const turns = new Map<string, Promise<void>>();

  async function liveOf(name: string): Promise<{ app: App; release: Release }> {
    const app = await store.getApp(name);
    const release = app?.live && (await store.getRelease(name, app.live.release));
    if (!app || !release) throw new TealError("nothing-live", { name, action: "run in" });
    if (app.state !== "active") throw new TealError("app-destroyed", { name });
    return { app, release };
  }

  async function assertRoom(name: string, inside: boolean): Promise<void> {
    if (open.size >= MOST) throw new TealError("too-many-runs", { name, limit: MOST });
    const count = inside ? 0 : await engine.count(name);
    if (count >= MOST_PER_APP) throw new TealError("too-many-runs", { name, limit: MOST_PER_APP });
  }

  /**
   * A container made while its app was being destroyed would outlive it; one that another worker
   * made at the same time may be one too many.
   */
  async function assertStays(app: App, undo: () => Promise<unknown>): Promise<void> {
    const { name } = app;
    const now = await store.getApp(name).catch(() => null);
    const there = now?.id === app.id && now.state === "active";
    if (there && (await engine.count(name)) <= MOST_PER_APP) return;
    await undo();
    throw there
      ? new TealError("too-many-runs", { name, limit: MOST_PER_APP })
      : new TealError("app-destroyed", { name });
  }

  async function instanceId(app: App, given: string): Promise<string> {
    const all = viewInstances(app, await store.listInstances(app.name));
    const ours = all.filter((it) => `${it.process}.${it.index}` === given && it.serves === "live");
    const [one] = ours;
    if (!one) throw new TealError("instance-not-found", { name: app.name, instance: given });
    return one.id;
  }

  function keepWaiting(app: string, id: string, attached: Attached): void {
    open.add(attached);
    const timer = setTimeout(() => void forget(id).catch(() => {}), ATTACH_MS);
    waiting.set(id, { app, attached, timer });
  }

  async function forget(id: string): Promise<void> {
    const run = waiting.get(id);
    if (!run) return;
    waiting.delete(id);
    clearTimeout(run.timer);
    open.delete(run.attached);
    await run.attached.stop();
  }

  async function make(name: string, by: string, wish: RunWish): Promise<Run> {
    const { app, release } = await liveOf(name);
    await assertRoom(name, wish.inside !== undefined);
    const id = randomBytes(4).toString("hex");
    const shown = options.conceal(release, wish.command.join(" "));
    const what = wish.inside ? `${by} enters ${wish.inside}` : `${by} runs`;
    const text = `run.${id}: ${what}: ${shown || "(a shell)"}`;
    notes.begin(name, { text, release: release.n });
    if (wish.inside) {
      const target = await instanceId(app, wish.inside);
      keepWaiting(name, id, await engine.openInside(target, insideCommand(wish.command), wish));
      return { id, app: name, release: release.n };
    }
    const wanted = {
      name: `${options.namespace}-${name}-run-${id}`,
      ...{ app, release, command: runCommand(wish.command, release) },
      run: {
        ...{ id, by: wish.detached ? null : options.process },
        until: Date.now() + LONGEST_MS,
      },
    };
    if (wish.detached) {
      await engine.startDetached(wanted);
      await assertStays(app, () => engine.remove(wanted.name));
    } else {
      const attached = await engine.open(wanted, wish);
      await assertStays(app, () => attached.stop());
      keepWaiting(name, id, attached);
    }
    return { id, app: name, release: release.n };
  }

  /** One after the other in an app: else so many at once would each find the last free place. */
  function inTurn<T>(name: string, act: () => Promise<T>): Promise<T> {
    const mine = (turns.get(name) ?? Promise.resolve()).then(act);
    const over = mine.then(
      () => {},
      () => {},
    );
    turns.set(name, over);
    void over.then(() => turns.get(name) === over && turns.delete(name));
    return mine;
  }

  return {
    request: (name, by, wish) => inTurn(name, () => make(name, by, wish)),
    waits: (app, id) => waiting.get(id)?.app === app,
    attach(id, socket) {
      const run = waiting.get(id);
      if (!run) return false;
      waiting.delete(id);
      clearTimeout(run.timer);
      void serveRun(run.attached, socket, options.log).finally(() => open.delete(run.attached));
      return true;
    },
    async close() {
      await Promise.allSettled([...open].map((attached) => attached.stop()));
    },
  };
}
