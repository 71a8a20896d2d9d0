import type { MemoryStore } from "./memory-store.ts";

/** Thrown by everything that a dead process would have done. */
class Died extends Error {}

/** A process, and when it dies. */
export interface Life {
  die: { call: number; after: boolean } | null;
  dead: boolean;
  calls: number;
  /** After so many calls it stands still, until then. */
  stall: { calls: number; thawed: PromiseWithResolvers<void> } | null;
  stalled: boolean;
}

export function newLife(): Life {
  return { die: null, dead: false, calls: 0, stall: null, stalled: false };
}

/** What stands still goes on. */
export function thaw(life: Life): void {
  life.stall?.thawed.resolve();
  Object.assign(life, { stall: null, stalled: false });
}

interface Guarding {
  /** Null: it does not die. */
  life: Life | null;
  turn(label: string): Promise<unknown>;
  /** After every call. */
  look(): void;
}

/** Every method of `target` takes its turn, and may be the last thing that its process does. */
export function guarded<T extends object>(target: T, { life, turn, look }: Guarding): T {
  return wrapped(target, async (name, call) => {
    if (life?.dead) throw new Died();
    await turn(name);
    if (life?.dead) throw new Died();
    if (life?.stall && --life.stall.calls < 0) {
      life.stalled = true;
      await life.stall.thawed.promise;
    }
    const dying = life?.die && ++life.calls >= life.die.call ? life.die : null;
    if (life && dying && !dying.after) life.dead = true;
    if (life?.dead) throw new Died();
    const result = await call();
    look();
    if (life && dying) life.dead = true;
    if (life?.dead) throw new Died();
    return result;
  });
}

/** A store that believes everybody: each write counts as if it came with the newest token. */
export function unfenced(store: MemoryStore): MemoryStore {
  return wrapped(store, async (_, call, args) => {
    const first = args[0] as { app?: string; token?: number } | undefined;
    if (first?.token === undefined || !first.app) return call();
    const app = await store.getApp(first.app);
    return call([{ app: first.app, token: app?.token }, ...args.slice(1)]);
  });
}

/** `target` with each of its methods called through `way`. */
function wrapped<T extends object>(
  target: T,
  way: (
    name: string,
    call: (args?: unknown[]) => Promise<unknown>,
    args: unknown[],
  ) => Promise<unknown>,
): T {
  return new Proxy(target, {
    get(_, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) =>
        way(String(name), async (given = args) => method.apply(target, given), args);
    },
  });
}
