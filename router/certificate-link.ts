import type { Redis } from "ioredis";
import type { RouteCertificate } from "./contract.ts";
import { isCertificate } from "./contract-check.ts";
import type { SavedCertificates } from "./disk.ts";
import type { LinkLog } from "./link.ts";

export interface CertificateLinkOptions {
  names: { certificates: string; certificatesSeq: string; certificateEvents: string };
  redis: Redis;
  /** Shared with the link of the routes, which closes both. */
  subscriber: Redis;
  log: LinkLog;
  /** What the router starts with, and the `certificatesSeq` that it was in step with. */
  saved: SavedCertificates;
  /** These are all that there are now. */
  changed(all: SavedCertificates): void;
}

export interface CertificateLink {
  /** Resolves once the store's certificates are known. */
  readonly inStep: Promise<void>;
  close(): void;
}

/** A message that got lost is noticed within this time. */
const LOOK_MS = 5000;

/** Keeps a router's certificates in step with the store; without it they stay as they are. */
export function createCertificateLink(options: CertificateLinkOptions): CertificateLink {
  const { names, redis, subscriber, log } = options;
  const first = Promise.withResolvers<void>();
  let { seq, certificates: known } = options.saved;
  let read = false;
  /** Of a store that has lost its memory: served on for apps that it has none of. */
  let outlived: RouteCertificate[] = [];
  let busy = false;
  let again = false;

  subscriber.on("message", (channel) => channel === names.certificateEvents && void look());
  subscriber.on("ready", () => void attach());
  void attach();
  const timer = setInterval(() => void look(), LOOK_MS);

  async function attach(): Promise<void> {
    if (subscriber.status !== "ready") return;
    await subscriber.subscribe(names.certificateEvents).catch(() => undefined);
    await look();
  }

  /** Reads them if any has changed; of those that ask meanwhile, all get one more reading. */
  async function look(): Promise<void> {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      // A store that is away is looked at again.
      await readAll().catch(() => undefined);
    }
    busy = false;
  }

  async function readAll(): Promise<void> {
    const now = Number(await redis.get(names.certificatesSeq));
    if (read && now === seq) return;
    const texts = await redis.hvals(names.certificates);
    const stored = texts.flatMap((text) => parse(text) ?? []);
    if (stored.length < texts.length) {
      log.warn({}, "the store holds a certificate that cannot be read");
    }
    if (now < seq) {
      log.warn({ was: seq, now }, "the store has lost certificates; they are served on");
      outlived = known;
    }
    const apps = new Set(stored.map(({ app }) => app));
    known = [...stored, ...outlived.filter(({ app }) => !apps.has(app))];
    seq = now;
    read = true;
    options.changed({ certificates: known, seq });
    first.resolve();
  }

  return {
    inStep: first.promise,
    close: () => clearInterval(timer),
  };
}

function parse(text: string): RouteCertificate | null {
  try {
    const value: unknown = JSON.parse(text);
    return isCertificate(value) ? value : null;
  } catch {
    return null;
  }
}
