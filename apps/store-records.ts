import type { Redis } from "ioredis";
import { asking, type Reply } from "./store-scripts.ts";
import type { App, AppSettings, Deploy, Instance, SettingsChange, Slot } from "./types.ts";

/** A Redis hash. */
export type Flat = Record<string, string>;

/** How each field of a record is read from its text. */
type Fields<T> = { [K in keyof Required<T>]: (text: string) => Required<T>[K] };

// `never`, for any field: the text of a union's member was written from such a member
const text = (value: string) => value as never;
const number = Number;

const DEPLOY: Fields<Deploy> = {
  id: text,
  app: text,
  seq: number,
  kind: text,
  commit: text,
  ref: text,
  sender: text,
  repo: text,
  image: text,
  archive: text,
  fresh: (value) => value === "true",
  verbose: (value) => value === "true",
  delivery: text,
  toRelease: number,
  part: text,
  hold: (value) => value === "true",
  irreversible: (value) => value === "true",
  runRelease: (value) => value === "true",
  promoteAfter: number,
  promoteOf: text,
  guardOf: text,
  stopped: (value) => value === "true",
  by: text,
  why: text,
  state: text,
  createdAt: number,
  startedAt: number,
  finishedAt: number,
  attempts: number,
  cancelRequested: (value) => value === "1",
  release: number,
  error: text,
  supersededBy: text,
};

const INSTANCE: Fields<Instance> = {
  id: text,
  app: text,
  deploy: text,
  release: number,
  colour: text,
  process: text,
  index: number,
  state: text,
  slot: number,
  host: text,
  port: number,
  retiredVersion: number,
  retiredAt: number,
};

function decode<T>(fields: Fields<T>, flat: Flat): T {
  const names = (Object.keys(fields) as (keyof T & string)[]).filter((name) => name in flat);
  return Object.fromEntries(names.map((name) => [name, fields[name](flat[name] as string)])) as T;
}

export const decodeDeploy = (flat: Flat): Deploy => decode(DEPLOY, flat);
export const decodeInstance = (flat: Flat): Instance => decode(INSTANCE, flat);

export function decodeApp(flat: Flat): App {
  return {
    name: flat["name"] as string,
    id: flat["id"] as string,
    createdAt: Number(flat["createdAt"]),
    createdBy: flat["createdBy"] as string,
    state: flat["state"] as App["state"],
    token: Number(flat["token"]),
    routeVersion: Number(flat["routeVersion"]),
    live: decodeSlot(flat, "live"),
    standby: decodeSlot(flat, "standby"),
    held: decodeSlot(flat, "held"),
    ...(flat["removeVolumes"] === "1" && { removeVolumes: true as const }),
  };
}

/** Settings are kept as one hash, its fields `config.NAME`, `formation.PROCESS`, `domain.HOST`, `hold`, `option.PART`. */
export function decodeSettings(flat: Flat): AppSettings {
  const under = (prefix: string): [string, string][] =>
    Object.entries(flat)
      .filter(([field]) => field.startsWith(prefix))
      .map(([field, value]): [string, string] => [field.slice(prefix.length), value])
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    staged: Object.fromEntries(under("config.").map(([name, value]) => [name, value || null])),
    formation: Object.fromEntries(
      under("formation.").map(([name, count]) => [name, Number(count)]),
    ),
    domains: under("domain.").map(([host]) => host),
    hold: flat["hold"] === "1",
    options: Object.fromEntries(
      under("option.").map(([part, json]) => [part, JSON.parse(json) as unknown]),
    ),
  };
}

/** The fields that a change writes, and those that it takes away. */
export function encodeChange(change: SettingsChange): { set: [string, string][]; gone: string[] } {
  const { staged = {}, formation = {}, addDomains = [], removeDomains = [], hold } = change;
  const options = Object.entries(change.options ?? {});
  return {
    set: [
      ...Object.entries(staged).map(([name, sealed]): [string, string] => [
        `config.${name}`,
        sealed ?? "",
      ]),
      ...Object.entries(formation).map(([name, count]): [string, string] => [
        `formation.${name}`,
        String(count),
      ]),
      ...addDomains.map((host): [string, string] => [`domain.${host}`, "1"]),
      ...(hold ? [["hold", "1"] satisfies [string, string]] : []),
      ...options
        .filter(([, value]) => value !== null)
        .map(([part, value]): [string, string] => [`option.${part}`, JSON.stringify(value)]),
    ],
    gone: [
      ...removeDomains.map((host) => `domain.${host}`),
      ...(hold === false ? ["hold"] : []),
      ...options.filter(([, value]) => value === null).map(([part]) => `option.${part}`),
    ],
  };
}

function decodeSlot(flat: Flat, name: "live" | "standby" | "held"): Slot | null {
  const deploy = flat[`${name}Deploy`];
  if (deploy === undefined) return null;
  const promoteAt = flat[`${name}PromoteAt`];
  return {
    colour: flat[`${name}Colour`] as Slot["colour"],
    release: Number(flat[`${name}Release`]),
    deploy,
    since: Number(flat[`${name}Since`]),
    ...(promoteAt !== undefined && { promoteAt: Number(promoteAt) }),
  };
}

/** A hash as a script gives it: field, value, field, value, … */
export function flatOf(reply: Reply | undefined): Flat {
  const list = reply as string[];
  const flat: Flat = {};
  for (let i = 0; i + 1 < list.length; i += 2) flat[list[i] as string] = list[i + 1] as string;
  return flat;
}

/** Field, value, … of a record's set fields. */
export function pairsOf(record: object): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [name, String(value)],
  );
}

/** Reads of whole records. */
export type Reader = ReturnType<typeof createReader>;

/** Of hashes, lists and sets as the store keeps them. Every method throws store-unavailable. */
export function createReader(redis: Redis) {
  const hash = async (key: string): Promise<Flat | null> => {
    const flat = await asking(() => redis.hgetall(key));
    return Object.keys(flat).length === 0 ? null : flat;
  };
  return {
    hash,
    /** Those of the keys that exist, in their order. */
    async hashes(wanted: string[]): Promise<Flat[]> {
      const found = await Promise.all(wanted.map((key) => hash(key)));
      return found.filter((flat) => flat !== null);
    },
    field: (key: string, name: string | number) => asking(() => redis.hget(key, String(name))),
    all: (key: string) => asking(() => redis.hgetall(key)),
    members: async (key: string) => (await asking(() => redis.smembers(key))).toSorted(),
    /** The last `count` of a list, last first. */
    async newest(key: string, count: number): Promise<string[]> {
      if (count < 1) return [];
      return (await asking(() => redis.lrange(key, -count, -1))).toReversed();
    },
  };
}
