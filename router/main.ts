import { hostname } from "node:os";
import { join } from "node:path";
import { channels, keys } from "../apps/keys.ts";
import { readSettings } from "../apps/config.ts";
import { createLog } from "../apps/log.ts";
import { connectRedis } from "../apps/redis.ts";
import { certificateSecret, loadSecrets } from "../apps/secrets.ts";
import { createAccessLog } from "./access-log.ts";
import { createCertificateLink } from "./certificate-link.ts";
import { createProofs } from "./proofs.ts";
import { createDisk, loadNewestCertificates, loadNewestTable } from "./disk.ts";
import { migrateConnections } from "./handover.ts";
import { createLink, type Link } from "./link.ts";
import { serveMetrics } from "./metrics.ts";
import { createRouter } from "./server.ts";
import { shareTicketKeys } from "./tickets.ts";

/** How long a start waits for the store before it serves the table from disk. */
const STORE_FIRST_MS = 1000;
const TLS_AGAIN_MS = 5000;

const settings = readSettings();
const log = createLog("router");
const id = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
const index = process.env["TEAL_PROCESS_INDEX"] || "1";

// The last resort: one connection's mishap must not take all others down.
process.on("uncaughtException", (error) => log.error({ error: error.stack }, "uncaught"));

const secrets = await loadSecrets(settings.paths.secretKey);
const saved = await loadNewestTable(settings.paths.tables);
const accessLog = createAccessLog({
  folder: join(settings.paths.logs, "apps"),
  index,
  failed: (error) => log.warn({ error: error.message }, "access lines cannot be written"),
});
let link: Link | null = null;
const router = createRouter({
  id,
  log: accessLog,
  ack: (ack) => link?.ack(ack),
  tls: {
    openKey: ({ app, id: of, key }) => secrets.open(app, certificateSecret(of), key),
    ...createProofs({
      names: keys,
      redis: () => redis,
      open: (host, sealed) => secrets.open("*", `proof ${host}`, sealed),
    }),
    failed: ({ app, id: of }, error) =>
      log.error({ app, certificate: of, error: error.message }, "a certificate cannot be served"),
  },
  domain: settings.domain,
  ports: { https: settings.routerTlsPort },
  reread: (app) => link?.reread(app) ?? Promise.resolve(null),
  changed(what) {
    if (what === "table") disk.save();
    link?.tell();
  },
  trustedProxies: settings.trustedProxies,
  proxyProtocol: settings.proxyProtocol,
});
const disk = createDisk({
  folder: settings.paths.tables,
  name: `router-${index}`,
  read: () => ({ ...router.snapshot(), seq: link?.seq() ?? saved?.seq ?? 0 }),
  failed: (error) =>
    log.error({ error: error.message }, "the route table cannot be written to disk"),
});
for (const [app, version] of Object.entries(saved?.gone ?? {}))
  router.apply({ type: "gone", app, version });
for (const route of saved?.routes ?? []) router.apply({ type: "route", route });

const [redis, subscriber] = [connectRedis(settings, log), connectRedis(settings, log)];
let certificates = (await loadNewestCertificates(settings.paths.certificates)) ?? {
  certificates: [],
  seq: 0,
};
router.setCertificates(certificates.certificates);
const certificateDisk = createDisk({
  folder: settings.paths.certificates,
  name: `router-${index}`,
  read: () => certificates,
  failed: (error) =>
    log.error({ error: error.message }, "the certificates cannot be written to disk"),
});
const certificateLink = createCertificateLink({
  names: { ...channels, ...keys },
  redis,
  subscriber,
  log,
  saved: certificates,
  changed(now) {
    certificates = now;
    router.setCertificates(now.certificates);
    certificateDisk.save();
  },
});

const stopTickets = shareTicketKeys({
  name: keys.ticketKey,
  redis,
  seal: (name, value) => secrets.seal("*", name, value),
  open: (name, sealed) => secrets.open("*", name, sealed),
  log,
  changed: router.setTicketKeys,
});

link = createLink({
  id,
  names: { ...channels, ...keys },
  redis,
  subscriber,
  leaseMs: settings.routerLeaseMs,
  router: () => router,
  seq: saved?.seq ?? 0,
  log,
});

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

const patience = AbortSignal.timeout(STORE_FIRST_MS);
await Promise.race([
  Promise.all([link.inStep, certificateLink.inStep]),
  new Promise((resolve) => patience.addEventListener("abort", resolve)),
]);

const migrates = await migrateConnections();
if (!migrates) log.info({}, "connections not yet accepted are not handed on when a router ends");
const { routerPort: port, bind: host } = settings;
await router.listen({ port, host }).catch((error: Error) => {
  log.error({ error: error.message, port }, "cannot listen");
  process.exit(1);
});
void listenTls();
log.info({ id, port, routes: router.snapshot().routes.length }, "routing");

// Serving goes on without it.
const metrics = await serveMetrics(
  join(settings.paths.run, `router-${index}.sock`),
  router.stats,
).catch((error: Error) => {
  log.warn({ error: error.message }, "no metrics: their socket cannot be made");
  return null;
});

stop.signal.addEventListener("abort", () => void shutDown());
if (stop.signal.aborted) void shutDown();

/** Plain traffic does not wait for the TLS port, and is served while another process has it. */
async function listenTls(told = ""): Promise<void> {
  if (stop.signal.aborted) return;
  const at = { port: settings.routerTlsPort, host };
  await router.listenTls(at).catch(({ message }: Error) => {
    if (message !== told) log.error({ error: message, ...at }, "cannot listen for TLS yet");
    setTimeout(() => void listenTls(message), TLS_AGAIN_MS).unref();
  });
}

async function shutDown(): Promise<void> {
  log.info({}, "closing");
  await router.close(settings.drainMs);
  metrics?.close();
  certificateLink.close();
  stopTickets();
  await Promise.all([disk.flush(), certificateDisk.flush(), accessLog.close()]);
  await link?.close();
  process.exit(0);
}
