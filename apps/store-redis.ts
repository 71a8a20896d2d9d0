import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { RouterReport } from "../router/contract.ts";
import { TealError } from "./errors.ts";
import { channels, keys } from "./keys.ts";
import type { Claim, Store } from "./store.ts";
import {
  createReader,
  decodeApp,
  decodeDeploy,
  decodeInstance,
  decodeSettings,
  encodeChange,
  flatOf,
  pairsOf,
  type Reader,
} from "./store-records.ts";
import { asking, createScripts, DELIVERY_TTL_S, type Scripts } from "./store-scripts.ts";
import { createSwaps } from "./store-swap.ts";
import { APP_NAME, MAX_ATTEMPTS, type Release } from "./types.ts";

/** Address slots of an app's /26 network: 1 is its gateway, 63 the broadcast. */
const SLOTS = { first: 2, last: 62 };

/** The app that a deploy id belongs to; an id that is none gives a name that no app has. */
const appOf = (deploy: string) => deploy.replace(/-\d+$/, "");

/** The store on Redis: one Lua script per transition (`apps/lua`). The caller owns the connection. */
export function createRedisStore(redis: Redis): Store {
  const scripts = createScripts(redis);
  const reader = createReader(redis);
  return {
    ...createApps(scripts, reader),
    ...createDeploys(scripts, reader),
    ...createExecution(scripts, reader),
    ...createInstances(scripts, reader),
    ...createSwaps(scripts, reader),
    async publish(event) {
      await asking(() => redis.publish(channels.routeEvents, JSON.stringify(event)));
    },
    async routers() {
      const rows = (await scripts.run("routers", "*")) as [number, string][];
      return rows.map(([expired, report]) => ({
        ...(JSON.parse(report) as RouterReport),
        expired: expired === 1,
      }));
    },
  };
}

type AppPart = Pick<
  Store,
  | "createApp"
  | "getApp"
  | "listApps"
  | "destroyApp"
  | "forgetApp"
  | "appsWithWork"
  | "orphaned"
  | "getSettings"
  | "changeSettings"
  | "hostOwners"
>;

function createApps({ run }: Scripts, reader: Reader): AppPart {
  return {
    async createApp(name, by) {
      if (!APP_NAME.test(name)) throw new TealError("bad-app-name", { name });
      const [app] = await run("create-app", name, randomUUID(), by);
      return decodeApp(flatOf(app));
    },
    async getApp(name) {
      const flat = await reader.hash(keys.app(name));
      return flat && decodeApp(flat);
    },
    async listApps() {
      const names = await reader.members(keys.apps);
      return (await reader.hashes(names.map(keys.app))).map(decodeApp);
    },
    async destroyApp(name, volumes = false) {
      const why = "the app was destroyed";
      const [app] = await run("destroy-app", name, why, volumes ? "volumes" : "");
      return decodeApp(flatOf(app));
    },
    async forgetApp(name, id) {
      await run("forget-app", name, id);
    },
    getSettings: async (name) => decodeSettings(await reader.all(keys.settings(name))),
    async changeSettings(name, change, claim) {
      const { set, gone } = encodeChange(change);
      const fields = [set.length, ...set.flat(), ...gone];
      const [flat] = await run("change-settings", name, claim?.token ?? "", ...fields);
      return decodeSettings(flatOf(flat));
    },
    hostOwners: (hosts) => Promise.all(hosts.map((host) => reader.field(keys.hosts, host))),
    async appsWithWork() {
      const [names] = await run("apps-with-work", "*");
      return (names as string[]).toSorted();
    },
    async orphaned(app) {
      const [orphaned] = await run("orphaned", app);
      return orphaned === 1;
    },
  };
}

type DeployPart = Pick<
  Store,
  "requestDeploy" | "getDeploy" | "listDeploys" | "cancelDeploy" | "getSteps"
>;

function createDeploys({ run }: Scripts, reader: Reader): DeployPart {
  return {
    async requestDeploy(intent) {
      const { app, kind, delivery } = intent;
      const { commit, ref, toRelease, part, hold, by, why, sender, repo } = intent;
      const { image, archive, fresh, guardOf, runRelease, promoteAfter, promoteOf } = intent;
      const { irreversible, verbose, stopped } = intent;
      const source = { commit, ref, sender, repo, image, archive, fresh, verbose, delivery };
      const held = { hold, promoteAfter, promoteOf, irreversible };
      const wish = { ...source, toRelease, part, runRelease, ...held, guardOf, stopped, by, why };
      const fields = pairsOf({ app, kind, ...wish });
      const once = [delivery ?? "", DELIVERY_TTL_S];
      const [deploy] = await run("request-deploy", app, kind, ...once, ...fields);
      return decodeDeploy(flatOf(deploy));
    },
    async getDeploy(id) {
      const flat = await reader.hash(keys.deploy(id));
      return flat && decodeDeploy(flat);
    },
    async listDeploys(app, limit) {
      const ids = await reader.newest(keys.deploys(app), limit);
      return (await reader.hashes(ids.map(keys.deploy))).map(decodeDeploy);
    },
    async cancelDeploy(id, why) {
      const [deploy] = await run("cancel-deploy", appOf(id), id, why);
      return decodeDeploy(flatOf(deploy));
    },
    async getSteps(deploy) {
      const steps = await reader.all(keys.deploySteps(deploy));
      return Object.fromEntries(
        Object.entries(steps).map(([step, json]) => [step, JSON.parse(json) as unknown]),
      );
    },
  };
}

type ExecutionPart = Pick<
  Store,
  | "claim"
  | "renew"
  | "release"
  | "recordStep"
  | "finishDeploy"
  | "createRelease"
  | "getRelease"
  | "listReleases"
>;

function createExecution({ run }: Scripts, reader: Reader): ExecutionPart {
  const gaveUp = new TealError("too-many-attempts", { attempts: MAX_ATTEMPTS }).says;
  return {
    async claim(app, executor, leaseMs) {
      const [token, deploy] = await run("claim", app, executor, leaseMs, gaveUp);
      if (token === undefined) return null;
      return { claim: { app, token: token as number }, deploy: decodeDeploy(flatOf(deploy)) };
    },
    async renew({ app, token }, executor, leaseMs) {
      const [renewed] = await run("renew", app, token, executor, leaseMs);
      return renewed === 1;
    },
    async release({ app, token }) {
      const [more] = await run("release", app, token);
      return more === 1;
    },
    async recordStep({ app, token }, deploy, step, result) {
      await run("record-step", app, token, deploy, step, JSON.stringify(result ?? null));
    },
    async finishDeploy({ app, token }, deploy, state, error = "") {
      await run("finish-deploy", app, token, deploy, state, error);
    },
    async createRelease({ app, token }, release) {
      const [json] = await run(
        "create-release",
        app,
        token,
        release.deploy,
        JSON.stringify({ app, ...release }),
      );
      return JSON.parse(json as string) as Release;
    },
    async getRelease(app, n) {
      const json = await reader.field(keys.releases(app), n);
      return json === null ? null : (JSON.parse(json) as Release);
    },
    async listReleases(app) {
      const releases = Object.values(await reader.all(keys.releases(app)));
      return releases.map((json) => JSON.parse(json) as Release).toSorted((a, b) => b.n - a.n);
    },
  };
}

type InstancePart = Pick<
  Store,
  | "recordInstances"
  | "advanceInstance"
  | "listInstances"
  | "removedInstances"
  | "retire"
  | "markGone"
>;

function createInstances({ run }: Scripts, reader: Reader): InstancePart {
  const decodeAll = (found: unknown[]) =>
    found.map((flat) => decodeInstance(flatOf(flat as string[])));
  return {
    async recordInstances({ app, token }: Claim, instances) {
      const fields = instances.flatMap((it) => [
        it.id,
        it.deploy,
        it.release,
        it.colour,
        it.process,
        it.index,
      ]);
      return decodeAll(
        await run("record-instances", app, token, SLOTS.first, SLOTS.last, ...fields),
      );
    },
    async advanceInstance({ app, token }, id, state, address) {
      await run(
        "advance-instance",
        app,
        token,
        id,
        state,
        ...(address ? [address.host, address.port] : []),
      );
    },
    async listInstances(app) {
      const ids = await reader.members(keys.instances(app));
      return (await reader.hashes(ids.map(keys.instance))).map(decodeInstance);
    },
    removedInstances: (deploy) => reader.members(keys.deployGone(deploy)),
    async retire({ app, token }, ids) {
      return decodeAll(await run("retire", app, token, ...ids));
    },
    async markGone(id, state) {
      await run("mark-gone", "*", id, state);
    },
  };
}
