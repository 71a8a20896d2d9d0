import { posix } from "node:path";
import { ENV_NAME } from "./env-names.ts";
import { TealError } from "./errors.ts";

/** How an app is built, where its tree does not say. All paths are with slashes, without `..`. */
export interface BuildOptions {
  /** Folder of the repository that is the app, `apps/web`; the whole repository when absent. */
  root?: string;
  /** Dockerfile, from `root`; `Dockerfile` when absent. */
  dockerfile?: string;
  /** Folder of the repository that a Dockerfile's COPY sees, `.` for all of it; `root` when absent. */
  context?: string;
  /** The Dockerfile's stage that becomes the image. */
  target?: string;
  /** Build arguments of a Dockerfile. They stay in the image's history: no place for secrets. */
  args?: Record<string, string>;
  /** Names of the app's config that its build may read. */
  env?: string[];
  /** Classic buildpacks, run in this order, in place of what is detected. */
  buildpacks?: string[];
  /** Submodules are fetched, by https. */
  submodules?: boolean;
  /** A build that takes longer is ended, ms; the platform's limit when absent. */
  timeoutMs?: number;
  /** Of each step of a build, bytes; what all builds may use together when absent. */
  memory?: number;
  /** Cores, of each step of a build. */
  cpus?: number;
}

export interface BuildChange {
  /** Name to text, as a person gives it: `root`, `arg.NAME`, `env.NAME`, … */
  set: Record<string, string>;
  unset: string[];
}

/** What a setting is, for people: its name, and an example of its value. */
const EXAMPLES: Record<string, string> = {
  root: "apps/web",
  dockerfile: "docker/web.Dockerfile",
  context: ".",
  target: "production",
  "arg.NAME": "value",
  "env.NAME": "on",
  buildpacks: "https://github.com/heroku/heroku-buildpack-ruby#v300",
  submodules: "on",
  timeout: "20m",
  memory: "1g",
  cpus: "1.5",
};

const STAGE = /^[a-zA-Z0-9][\w.-]{0,99}$/;
const BUILDPACK = /^https:\/\/[\w.-]+(?::\d+)?\/[\w./~-]+(?:#[\w./-]+)?$/;
const LONGEST_MS = 6 * 3600_000;
const MIB = 1024 ** 2;
/** With less nothing is built. */
const LEAST_MIB = 64;
const MAX_NAMES = 100;
const MAX_TEXT = 4000;

/**
 * The options with a change made. Null when nothing is left of them.
 * @throws bad-build-option
 */
export function changeBuild(now: BuildOptions, { set, unset }: BuildChange): BuildOptions | null {
  const next: BuildOptions = structuredClone(now);
  for (const name of unset) remove(next, name);
  for (const [name, text] of Object.entries(set)) put(next, name, text);
  for (const key of ["args", "env"] as const) {
    const count = Object.keys(next[key] ?? {}).length;
    if (count > MAX_NAMES)
      throw wrong(`At most ${MAX_NAMES} names were expected, and ${count} came`);
    if (count === 0) delete next[key];
  }
  return Object.keys(next).length === 0 ? null : next;
}

/** The options as `build:set` takes them, sorted. */
export function showBuild(options: BuildOptions): [name: string, text: string][] {
  const {
    args = {},
    env = [],
    buildpacks,
    submodules,
    timeoutMs,
    memory,
    cpus,
    ...paths
  } = options;
  return [
    ...Object.entries(paths),
    ...Object.entries(args).map(([name, value]): [string, string] => [`arg.${name}`, value]),
    ...env.map((name): [string, string] => [`env.${name}`, "on"]),
    ...(buildpacks ? [["buildpacks", buildpacks.join(" ")] satisfies [string, string]] : []),
    ...(submodules ? [["submodules", "on"] satisfies [string, string]] : []),
    ...(timeoutMs ? [["timeout", `${timeoutMs / 1000}s`] satisfies [string, string]] : []),
    ...(memory ? [["memory", `${memory / MIB}m`] satisfies [string, string]] : []),
    ...(cpus ? [["cpus", String(cpus)] satisfies [string, string]] : []),
  ].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function put(options: BuildOptions, name: string, text: string): void {
  const [, kind, key = ""] = /^(arg|env)\.(.*)$/s.exec(name) ?? [];
  if (text.length > MAX_TEXT)
    throw wrong(`${name} was expected to be at most ${MAX_TEXT} characters`);
  if (kind === "arg")
    options.args = { ...options.args, [argument(name, key)]: oneLine(name, text) };
  else if (kind === "env") {
    if (isOn(name, text)) options.env = [...new Set([...(options.env ?? []), variable(name, key)])];
    else remove(options, name);
  } else if (name === "root" || name === "context" || name === "dockerfile")
    options[name] = path(name, text);
  else if (name === "target") options.target = matching(STAGE, name, text);
  else if (name === "buildpacks") options.buildpacks = sources(text);
  else if (name === "submodules") {
    if (isOn(name, text)) options.submodules = true;
    else delete options.submodules;
  } else if (name === "timeout") options.timeoutMs = milliseconds(text);
  else if (name === "memory") options.memory = bytes(text);
  else if (name === "cpus") options.cpus = cores(text);
  else throw unknown(name);
}

function remove(options: BuildOptions, name: string): void {
  const [, kind, key = ""] = /^(arg|env)\.(.*)$/s.exec(name) ?? [];
  if (kind === "arg") {
    options.args = Object.fromEntries(
      Object.entries(options.args ?? {}).filter(([one]) => one !== key),
    );
  } else if (kind === "env") options.env = (options.env ?? []).filter((one) => one !== key);
  else if (name === "timeout") delete options.timeoutMs;
  else if (Object.hasOwn(EXAMPLES, name)) delete options[name as "root"];
  else throw unknown(name);
}

/** A path of the repository, without anything that leads out of it. @throws bad-build-option */
function path(name: string, text: string): string {
  const clean = posix.normalize(text.trim()).replace(/\/+$/, "") || ".";
  const leaves = clean.startsWith("/") || clean === ".." || clean.startsWith("../");
  const odd = /[\u0000-\u001f\u007f\\]/.test(text) || text.trim() === "" || clean.length > 300;
  if (!leaves && !odd && !clean.split("/").includes(".git")) return clean;
  throw wrong(
    `${name} was expected to be a path within the repository, and '${printable(text)}' came`,
    name,
  );
}

function sources(text: string): string[] {
  const list = text.split(/[\s,]+/).filter(Boolean);
  const bad = list.find((one) => !BUILDPACK.test(one) && !/^[\w][\w./-]*$/.test(one));
  if (bad !== undefined || list.length === 0 || list.length > 20 || text.includes("..")) {
    const came = printable(bad ?? text);
    throw wrong(
      `buildpacks was expected to be https:// addresses of git repositories, or folders of this one, and '${came}' came`,
      "buildpacks",
    );
  }
  return list;
}

function milliseconds(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,6})(s|m|h)?$/.exec(text) ?? [];
  const ms = Number(number) * { s: 1000, m: 60_000, h: 3600_000 }[unit as "s" | "m" | "h"];
  if (ms >= 10_000 && ms <= LONGEST_MS) return ms;
  throw wrong(
    `timeout was expected to be from 10s to 6h, and '${printable(text)}' came`,
    "timeout",
  );
}

function bytes(text: string): number {
  const [, number, unit] = /^(\d{1,6})([mg])$/i.exec(text) ?? [];
  const mib = Number(number) * (unit?.toLowerCase() === "g" ? 1024 : 1);
  if (mib >= LEAST_MIB) return mib * MIB;
  throw wrong(
    `memory was expected to be ${LEAST_MIB}m or more, such as 512m or 2g, and '${printable(text)}' came`,
    "memory",
  );
}

function cores(text: string): number {
  const number = /^\d{1,3}(\.\d{1,2})?$/.test(text) ? Number(text) : 0;
  if (number >= 0.1 && number <= 256) return number;
  throw wrong(
    `cpus was expected to be a number of cores from 0.1 to 256, and '${printable(text)}' came`,
    "cpus",
  );
}

function variable(name: string, key: string): string {
  return matching(ENV_NAME, name, key);
}

/** Some arguments are the builder's own: one of them names an image that would run as the builder. */
function argument(name: string, key: string): string {
  if (!/^BUILDKIT_/i.test(key)) return variable(name, key);
  throw wrong(
    `An argument of the Dockerfile was expected, and ${printable(key)} is the builder's own`,
  );
}

function oneLine(name: string, text: string): string {
  if (!/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw wrong(`${name} was expected to be one line of text`);
}

function matching(pattern: RegExp, name: string, text: string): string {
  if (pattern.test(text)) return text;
  throw wrong(`A name was expected in ${printable(name)}, and '${printable(text)}' came`, name);
}

function isOn(name: string, text: string): boolean {
  if (/^(on|true|1|yes)$/i.test(text)) return true;
  if (/^(off|false|0|no)$/i.test(text)) return false;
  throw wrong(
    `${printable(name)} was expected to be on or off, and '${printable(text)}' came`,
    name,
  );
}

function unknown(name: string): TealError {
  const known = Object.keys(EXAMPLES).join(", ");
  return wrong(`A build option was expected (${known}), and '${printable(name)}' came`);
}

function wrong(detail: string, name = "root"): TealError {
  const known = Object.hasOwn(EXAMPLES, name) ? name : "root";
  return new TealError("bad-build-option", { detail, example: `${known}=${EXAMPLES[known]}` });
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 100);
}
