import type { Redis } from "ioredis";
import type { RouteCertificate } from "../router/contract.ts";
import { checkCertificate, type Checked } from "./certificate-check.ts";
import { keys } from "./keys.ts";
import { certificateSecret, type Secrets } from "./secrets.ts";
import { asking, createScripts } from "./store-scripts.ts";

/** A certificate as people see it. */
export interface Certificate {
  /** The beginning of its SHA-256. */
  id: string;
  app: string;
  names: string[];
  issuer: string;
  /** Brought by somebody, or ordered by the platform. */
  source: RouteCertificate["source"];
  notBefore: number;
  notAfter: number;
  by: string;
  addedAt: number;
}

export interface NewCertificate {
  app: string;
  /** PEM; may hold the key as well when `key` is "". */
  chain: string;
  key: string;
  source: RouteCertificate["source"];
  by: string;
}

export interface Certificates {
  /**
   * Keeps a certificate and tells the routers. One of the same source whose names it all has goes.
   * @param hosts of the app @throws bad-certificate, too-many-certificates, app-not-found
   */
  add(given: NewCertificate, hosts: readonly string[]): Promise<Certificate>;
  /** The one that ends first, first. */
  list(app: string): Promise<Certificate[]>;
  /** Of all apps. */
  all(): Promise<Certificate[]>;
  /** False when there is none. */
  remove(app: string, id: string): Promise<boolean>;
}

type Kept = Certificate & RouteCertificate;

const MAX_CERTIFICATES = 100;
const ID_LENGTH = 12;

/** The certificates of apps, on Redis, their keys sealed. */
export function createCertificates(redis: Redis, secrets: Secrets): Certificates {
  const scripts = createScripts(redis);

  async function read(): Promise<Kept[]> {
    const all = await asking(() => redis.hvals(keys.certificates));
    const found = all.map((json) => JSON.parse(json) as Kept);
    return found.toSorted((a, b) => a.notAfter - b.notAfter);
  }

  function keptOf({ app, source, by }: NewCertificate, checked: Checked): Kept {
    const { fingerprint, key, ...rest } = checked;
    const id = fingerprint.slice(0, ID_LENGTH);
    const sealed = secrets.seal(app, certificateSecret(id), key);
    return { id, app, source, by, addedAt: Date.now(), ...rest, key: sealed };
  }

  return {
    async add(given, hosts) {
      const kept = keptOf(given, checkCertificate(given, hosts));
      const replaced = (await read()).filter(
        (one) =>
          one.app === kept.app &&
          one.source === kept.source &&
          one.id !== kept.id &&
          one.names.every((name) => kept.names.includes(name)),
      );
      const inputs = [kept.id, JSON.stringify(kept), MAX_CERTIFICATES];
      await scripts.run("put-certificate", kept.app, ...inputs, ...replaced.map(({ id }) => id));
      return publicPart(kept);
    },
    async list(app) {
      return (await read()).filter((one) => one.app === app).map(publicPart);
    },
    all: async () => (await read()).map(publicPart),
    async remove(app, id) {
      const [had] = await scripts.run("drop-certificate", app, id);
      return had === 1;
    },
  };
}

function publicPart({ chain: _chain, key: _key, ...rest }: Kept): Certificate {
  return rest;
}
