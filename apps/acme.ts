import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { createLeases } from "./leases.ts";
import type { Secrets } from "./secrets.ts";
import { asking, createScripts } from "./store-scripts.ts";

/** What became of the last order for a host that did not succeed. */
export interface Attempt {
  host: string;
  app: string;
  /** In a row. */
  failures: number;
  error: string;
  at: number;
  /** Not before. */
  nextAt: number;
}

export interface AcmeAccount {
  /** PEM. */
  key: string;
  /** Absent until the server has given one. */
  url?: string;
}

/** What the platform and an ACME server have begun with each other. */
export interface Acme {
  /** True when `worker` is the one that orders, for `leaseMs` from now. */
  lead(worker: string, leaseMs: number): Promise<boolean>;
  account(directory: string): Promise<AcmeAccount | null>;
  keepAccount(directory: string, account: AcmeAccount): Promise<void>;
  /** Routers answer `token` at `host` with `answer`. */
  offerAnswer(host: string, token: string, answer: string): Promise<void>;
  /** Routers show this certificate to those who ask for acme-tls/1 at `host`. */
  offerProof(host: string, proof: { cert: string; key: string }): Promise<void>;
  withdraw(host: string, token: string): Promise<void>;
  /** Of one app, or of all. */
  attempts(app?: string): Promise<Attempt[]>;
  note(attempt: Attempt): Promise<void>;
  clear(host: string): Promise<void>;
  /** Has the app's notifiers told, by its deploy. */
  tell(
    deploy: string,
    event: "certificate-ends" | "certificate-failed",
    about: string,
  ): Promise<void>;
  /** False when as many orders as may be were placed within the time. */
  takeOrder(withinMs: number, most: number): Promise<boolean>;
}

/** An order is over sooner. */
const OFFER_S = 900;
const PLATFORM = "*";

/** On Redis; accounts' keys and proofs are sealed. */
export function createAcme(redis: Redis, secrets: Secrets): Acme {
  const scripts = createScripts(redis);
  const leases = createLeases(redis);
  const accountSecret = (directory: string) => `acme account ${directory}`;
  return {
    lead: (worker, leaseMs) => leases.lead("order", worker, leaseMs),
    async account(directory) {
      const sealed = await asking(() => redis.hget(keys.acmeAccounts, directory));
      if (sealed === null) return null;
      return JSON.parse(secrets.open(PLATFORM, accountSecret(directory), sealed)) as AcmeAccount;
    },
    async keepAccount(directory, account) {
      const sealed = secrets.seal(PLATFORM, accountSecret(directory), JSON.stringify(account));
      await asking(() => redis.hset(keys.acmeAccounts, directory, sealed));
    },
    async offerAnswer(host, token, answer) {
      await asking(() => redis.set(keys.acmeAnswer(host, token), answer, "EX", OFFER_S));
    },
    async offerProof(host, { cert, key }) {
      const proof = JSON.stringify({ cert, key: secrets.seal(PLATFORM, `proof ${host}`, key) });
      await asking(() => redis.set(keys.acmeProof(host), proof, "EX", OFFER_S));
    },
    async withdraw(host, token) {
      await asking(() => redis.del(keys.acmeAnswer(host, token), keys.acmeProof(host)));
    },
    async attempts(app) {
      const all = await asking(() => redis.hvals(keys.acmeAttempts));
      const found = all.map((json) => JSON.parse(json) as Attempt);
      return app === undefined ? found : found.filter((one) => one.app === app);
    },
    async note(attempt) {
      await asking(() => redis.hset(keys.acmeAttempts, attempt.host, JSON.stringify(attempt)));
    },
    async clear(host) {
      await asking(() => redis.hdel(keys.acmeAttempts, host));
    },
    async tell(deploy, event, about) {
      await asking(() => redis.rpush(keys.notices, `${deploy} ${event} ${about}`));
    },
    async takeOrder(withinMs, most) {
      const [taken] = await scripts.run("acme-take-order", PLATFORM, withinMs, most);
      return taken === 1;
    },
  };
}
