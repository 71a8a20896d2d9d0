import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createGitHttp } from "../hooks/git-http.ts";
import { createNotify } from "../hooks/notify.ts";
import { createReceiver } from "../hooks/receive.ts";
import { createSshServer } from "../hooks/ssh.ts";
import { appUrl } from "./address.ts";
import { compose } from "./compose.ts";
import type { Access } from "./access.ts";
import { createApi } from "./api/api.ts";
import { takeUpgrades, wantsUpgrade } from "./api/upgrade.ts";
import { readSettings, type Settings } from "./config.ts";
import { createDashboard } from "./dashboard/dashboard.ts";
import { createFaultPoints } from "./fault-points.ts";
import { createFront } from "./front.ts";
import { createLog, type Log } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createMetricsPage } from "./metrics-page.ts";
import { createOutward } from "./outward.ts";
import { reportProcess } from "./process-metrics.ts";
import { deployUrl, publicUrl } from "./public-url.ts";
import { PROVIDER_ANSWER } from "./dashboard/provider.ts";
import { createQueue } from "./queue.ts";
import { connectRedis } from "./redis.ts";
import { loadSecrets } from "./secrets.ts";

const CLI = resolve(import.meta.dirname, "cli/main.ts");
const CLOSING_MS = 5000;

await main(readSettings(), createLog("web"));

/** The `web` process: API, dashboard and git over HTTP on one port, SSH on another, the hook's socket. */
async function main(settings: Settings, log: Log): Promise<void> {
  const redis = connectRedis(settings, log);
  const secrets = await loadSecrets(settings.paths.secretKey);
  const queue = createQueue(redis);
  const reach = createFaultPoints(process.env);
  const base = publicUrl(settings);
  const oidc = await providerOf(settings, base, log);
  const parts = compose({
    ...{ redis, secrets, settings, queue, reach, log, oidc },
    publicUrl: base,
  });
  const { store, deploys, deployLog, access, audit, git, senders, notifiers, webhooks } = parts;

  await mkdir(settings.paths.run, { recursive: true, mode: 0o700 });
  await keepAdminToken(access, settings, log);
  const receiver = createReceiver({
    socketPath: join(settings.paths.run, "hook.sock"),
    ...{ store, git, access, audit, deploys, deployLog, log, reach },
  });
  await receiver.listen();

  const gitHttp = createGitHttp({ access, audit, git, store, receiver, log });
  const api = createApi(parts.forApi).callback();
  const metrics = createMetricsPage({
    ...{ access, log },
    metrics: createMetrics({ redis, queue, store, runDir: settings.paths.run }),
  });
  const front = createFront({
    ...{ first: [gitHttp, webhooks.handle, metrics], api, log },
    dashboard: createDashboard(parts.forDashboard).callback(),
  });
  const stopping = new AbortController();
  const reporting = reportProcess(redis, "web", stopping.signal);
  const upgrades = { shouldUpgradeCallback: (req: IncomingMessage) => wantsUpgrade(req) };
  const http = createServer(upgrades, front);
  http.on("upgrade", takeUpgrades(api));
  // A push may take as long as it needs; git-http has an idle limit of its own.
  http.requestTimeout = 0;
  await listen(http, settings.apiPort, settings.bind);
  const blocking = connectRedis(settings, log, { wait: true });
  const notify = createNotify({
    ...{ redis, blocking, store, notifiers, senders, log },
    outward: createOutward(settings),
    allowPrivate: settings.allowPrivate,
    urlOf: (app) => appUrl(app, settings),
    logUrlOf: (app, deploy) => deployUrl(base, app, deploy),
  });
  const ssh = createSshServer({
    ...{ access, audit, git, store, receiver, log },
    hostKeyFile: settings.paths.sshHostKey,
    cliFile: CLI,
    compileCache: settings.paths.compileCache,
    apiUrl: `http://127.0.0.1:${settings.apiPort}`,
    publicUrl: settings.publicUrl,
  });
  await ssh.listen(settings.sshPort, settings.bind);
  log.info({ api: settings.apiPort, ssh: settings.sshPort }, "web is ready");

  const stop = async () => {
    http.close();
    stopping.abort();
    setTimeout(() => http.closeAllConnections(), CLOSING_MS).unref();
    await Promise.allSettled([reporting, receiver.close(), ssh.close(), notify.close()]);
    await parts.close();
    await queue.close().catch(() => {});
    redis.disconnect();
    blocking.disconnect();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
}

/** Loaded only where a provider is set. */
async function providerOf(settings: Settings, base: string, log: Log) {
  if (!settings.oidc) return null;
  const { createOidc } = await import("./oidc.ts");
  return createOidc({ settings, redirectUri: new URL(PROVIDER_ANSWER, base).href, log });
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}

/** The store may come up after this process: until then nobody could sign in anyway. */
async function keepAdminToken(access: Access, { paths }: Settings, log: Log): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await access.ensureAdminToken(paths.adminToken);
      return;
    } catch (error) {
      if (tried === 1) log.warn({ error: String(error) }, "waiting for the store");
      await sleep(Math.min(100 * tried, 2000));
    }
  }
}
