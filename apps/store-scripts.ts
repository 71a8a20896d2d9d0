import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";
import { TealError, type ErrorCode } from "./errors.ts";
import { channels, keys } from "./keys.ts";
import { FINAL_STATES, INSTANCE_LIFE, MAX_ATTEMPTS, SUPERSEDES } from "./types.ts";

/** Finished deploys kept per app; older ones go, with their logs. */
export const KEEP_DEPLOYS = 200;

/** For so long the same delivery makes no second deploy; GitHub sends again for 3 days. */
export const DELIVERY_TTL_S = 30 * 24 * 3600;

/** What a script answers: strings, integers, null, and lists of them. */
export type Reply = string | number | null | Reply[];

export interface Scripts {
  /**
   * Runs `lua/NAME.lua` on an app (`*`: on all) and gives what follows its "ok".
   * @throws TealError that the script names, store-unavailable, internal
   */
  run(name: string, app: string, ...inputs: (string | number)[]): Promise<Reply[]>;
}

/** Key names as the scripts see them: by name, in a fixed order. `*` stands for what only a script knows. */
const scriptKeys = (app: string) => ({
  app: keys.app(app),
  lease: keys.lease(app),
  prepared: keys.prepared(app),
  deploys: keys.deploys(app),
  queued: keys.queued(app),
  releases: keys.releases(app),
  instances: keys.instances(app),
  targets: keys.targets(app),
  appHosts: keys.appHosts(app),
  settings: keys.settings(app),
  deploy: keys.deploy("*"),
  deployLog: keys.deployLog("*"),
  deploySteps: keys.deploySteps("*"),
  deployGone: keys.deployGone("*"),
  delivery: keys.delivery("*"),
  senders: keys.senders(app),
  deliveries: keys.deliveries(app),
  came: keys.came(app),
  notifiers: keys.notifiers(app),
  sent: keys.sent(app),
  cron: keys.cron(app),
  cronLock: keys.cronLock(app),
  series: keys.series(app),
  notices: keys.notices,
  watches: keys.watches,
  warden: keys.warden,
  sampler: keys.sampler,
  crashes: keys.crashes(app),
  loop: keys.loop("*"),
  spared: keys.spared("*"),
  diskLow: keys.diskLow,
  events: keys.events,
  tokens: keys.tokens,
  sshKeys: keys.sshKeys,
  users: keys.users,
  userApps: keys.userApps("*"),
  appEvents: keys.appEvents(app),
  instance: keys.instance("*"),
  router: keys.router("*"),
  apps: keys.apps,
  past: keys.past,
  routes: keys.routes,
  routesSeq: keys.routesSeq,
  idles: keys.idles,
  idlesSeq: keys.idlesSeq,
  hosts: keys.hosts,
  routers: keys.routers,
  certificates: keys.certificates,
  certificatesSeq: keys.certificatesSeq,
  acmeLease: keys.acmeLease,
  acmeOrders: keys.acmeOrders,
  acmeCount: keys.acmeCount,
  certificateEvents: channels.certificateEvents,
  routeEvents: channels.routeEvents,
  deployEvents: channels.deployEvents,
  newEvents: channels.events,
});

const read = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");

const table = (entries: [string, string | number][]) =>
  `{ ${entries.map(([key, value]) => `${key} = ${value}`).join(", ")} }`;

/** What comes before every script: the words of the platform as Lua, then the shared helpers. */
function prelude(): string {
  const names = Object.keys(scriptKeys("*"));
  return [
    `local K = ${table(names.map((name, i) => [name, `KEYS[${i + 1}]`]))}`,
    "local APP, IN = ARGV[1], {}",
    "for i = 2, #ARGV do IN[i - 1] = ARGV[i] end",
    `local LIFE = ${table(INSTANCE_LIFE.map((state, i) => [state, i]))}`,
    `local FINAL = ${table(FINAL_STATES.map((state) => [state, "true"]))}`,
    `local SUPERSEDES = ${table(Object.entries(SUPERSEDES).map(([kind, set]) => [kind, table(set.map((it) => [it, "true"]))]))}`,
    `local MAX_ATTEMPTS, KEEP_DEPLOYS = ${MAX_ATTEMPTS}, ${KEEP_DEPLOYS}`,
    read("prelude"),
  ].join("\n");
}

/** The scripts of `lua/`, each sent whole once and then by its name. */
export function createScripts(redis: Redis): Scripts {
  const before = prelude();
  const loaded = new Map<string, { lua: string; sha: string }>();
  const load = (name: string) => {
    const lua = `${before}\n${read(name)}`;
    const script = { lua, sha: createHash("sha1").update(lua).digest("hex") };
    loaded.set(name, script);
    return script;
  };
  return {
    async run(name, app, ...inputs) {
      const { lua, sha } = loaded.get(name) ?? load(name);
      const names = Object.values(scriptKeys(app));
      const args = [names.length, ...names, app, ...inputs] as const;
      const reply = (await asking(async () => {
        try {
          return await redis.evalsha(sha, ...args);
        } catch (error) {
          if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
          return redis.eval(lua, ...args);
        }
      })) as Reply[];
      if (reply[0] !== "ok") throw refusal(reply as string[]);
      return reply.slice(1);
    },
  };
}

function refusal([code, ...rest]: string[]): TealError {
  const params: Record<string, string> = {};
  for (let i = 0; i + 1 < rest.length; i += 2) params[rest[i] as string] = rest[i + 1] as string;
  return new TealError(code as ErrorCode, params);
}

/** Error replies of a server that is there, but cannot do its work now: starting, full, a replica. */
const NOT_NOW =
  /^(LOADING|MISCONF|READONLY|MASTERDOWN|NOREPLICAS|OOM|BUSY|CLUSTERDOWN|NOAUTH|WRONGPASS)/;

/**
 * Asks Redis.
 * @throws TealError store-unavailable when it does not answer, internal when it answers with an error
 */
export async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { name, message } = error as Error;
    const refused = name === "ReplyError" && !NOT_NOW.test(message);
    if (refused) throw new TealError("internal", { detail: message }, { cause: error });
    throw new TealError("store-unavailable", {}, { cause: error });
  }
}
