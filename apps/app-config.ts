import type { Deploys } from "./deploys.ts";
import { TealError } from "./errors.ts";
import { ENV_NAME, isGivenName } from "./env-names.ts";
import { openConfig, type Secrets } from "./secrets.ts";
import type { Store } from "./store.ts";
import type { App, Deploy } from "./types.ts";

/** What stands for a value that is not to be shown. */
const MASK = "********";

/** One name of an app's config. */
export interface ConfigVar {
  name: string;
  /** Masked unless it was asked for; null: it will be gone. */
  value: string | null;
  /** Not live yet: the next release has it so. */
  staged: boolean;
}

export interface ConfigChange {
  app: string;
  set: Record<string, string>;
  unset: string[];
  /** False: the next release has it, and none is made for it. */
  restart: boolean;
  by: string;
}

export interface AppConfig {
  read(app: App, reveal: boolean): Promise<ConfigVar[]>;
  /** null: nothing is live, or no restart was wanted. @throws bad-config, app-not-found */
  change(change: ConfigChange): Promise<Deploy | null>;
}

interface Options {
  store: Pick<Store, "getApp" | "getRelease" | "getSettings" | "changeSettings">;
  secrets: Secrets;
  deploys: Pick<Deploys, "change">;
}

const NAME_CHARS = 128;
/** In bytes: the kernel takes 128 KiB for one variable. */
const VALUE_LIMIT = 64 * 1024;
const TOTAL_LIMIT = 256 * 1024;

/** An app's environment as people change it: sealed before it is stored, opened only for who asks. */
export function createAppConfig({ store, secrets, deploys }: Options): AppConfig {
  async function read({ name: app, live }: App): Promise<ConfigVar[]> {
    const release = live && (await store.getRelease(app, live.release));
    const { staged } = await store.getSettings(app);
    const vars = new Map<string, ConfigVar>();
    for (const [name, value] of Object.entries(
      openConfig(secrets, { app, config: release?.config ?? {} }),
    )) {
      vars.set(name, { name, value, staged: false });
    }
    for (const [name, sealed] of Object.entries(staged)) {
      const value = sealed === null ? null : secrets.open(app, name, sealed);
      vars.set(name, { name, value, staged: true });
    }
    return [...vars.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  return {
    async read(app, reveal) {
      const vars = await read(app);
      return reveal
        ? vars
        : vars.map((one) => ({ ...one, value: one.value === null ? null : MASK }));
    },
    async change({ app: name, set, unset, restart, by }) {
      const app = await store.getApp(name);
      if (!app) throw new TealError("app-not-found", { name });
      assertGood(set, unset);
      const now = await read(app);
      const unknown = unset.find((one) => !now.some((it) => it.name === one && it.value !== null));
      if (unknown !== undefined) {
        throw badConfig(
          `${name} has no config ${unknown}`,
          `'teal config -a ${name}' shows what there is`,
        );
      }
      assertFits(now, set, unset);
      const staged = Object.fromEntries([
        ...Object.entries(set).map(
          ([key, value]) => [key, secrets.seal(name, key, value)] as const,
        ),
        ...unset.map((key) => [key, null] as const),
      ]);
      await store.changeSettings(name, { staged });
      if (!restart) return null;
      // Names only: whoever sees the deploy may not be one who sees the values.
      return deploys.change({
        app: name,
        kind: "config",
        by,
        why: describe(Object.keys(set), unset),
      });
    },
  };
}

function assertGood(set: Record<string, string>, unset: string[]): void {
  if (Object.keys(set).length + unset.length === 0) {
    throw badConfig("A name and a value were expected, and none came", "Use 'NAME=VALUE'");
  }
  for (const name of [...Object.keys(set), ...unset]) {
    if (!ENV_NAME.test(name) || name.length > NAME_CHARS) {
      const shown = JSON.stringify(name.slice(0, 60));
      throw badConfig(
        `A name of letters, digits and _ that begins with no digit was expected, and ${shown} came`,
        "Rename it, for example DATABASE_URL",
      );
    }
    if (isGivenName(name)) {
      throw badConfig(
        `${name} is given by the platform and cannot be set`,
        "PORT and names that begin with TEAL_ are the platform's; use another name",
      );
    }
    if (unset.includes(name) && Object.hasOwn(set, name)) {
      throw badConfig(`${name} was both set and unset`, "Do one of the two");
    }
  }
  for (const [name, value] of Object.entries(set)) {
    if (value.includes("\0")) {
      throw badConfig(
        `The value of ${name} holds a zero byte, which no environment can`,
        "Encode it, for example as base64",
      );
    }
    const bytes = Buffer.byteLength(value);
    if (bytes > VALUE_LIMIT) {
      throw badConfig(
        `A value of at most ${VALUE_LIMIT} bytes was expected for ${name}, and ${bytes} came`,
        "Keep what is that large in a file or a store of the app",
      );
    }
  }
}

function assertFits(now: ConfigVar[], set: Record<string, string>, unset: string[]): void {
  const kept = now.filter(({ name }) => !Object.hasOwn(set, name) && !unset.includes(name));
  const all = [...kept.map(({ name, value }) => [name, value ?? ""]), ...Object.entries(set)];
  const bytes = all.reduce((sum, pair) => sum + Buffer.byteLength(pair.join("=")), 0);
  if (bytes > TOTAL_LIMIT) {
    throw badConfig(
      `An app's config may hold ${TOTAL_LIMIT} bytes, and this would make it ${bytes}`,
      "Unset what is not needed",
    );
  }
}

function describe(set: string[], unset: string[]): string {
  const parts = [
    ...(set.length > 0 ? [`set ${set.join(", ")}`] : []),
    ...(unset.length > 0 ? [`unset ${unset.join(", ")}`] : []),
  ];
  return parts.join("; ").slice(0, 500);
}

function badConfig(detail: string, todo: string): TealError {
  return new TealError("bad-config", { detail, todo });
}
