/** All Redis key and channel names. Nobody else spells one. */
export const keys = {
  /** set of app names */
  apps: "teal:apps",
  /** hash: name of a forgotten app to `TOKEN SEQ ROUTE-VERSION`, where a new app of that name goes on counting */
  past: "teal:past",
  /** hash: the app's flat fields */
  app: (app: string) => `teal:app:${app}`,
  /** string with a time to live: `EXECUTOR TOKEN` of who works on the app */
  lease: (app: string) => `teal:app:${app}:lease`,
  /** string with a time to live: id of the prepared swap */
  prepared: (app: string) => `teal:app:${app}:prepared`,
  /** list of deploy ids, oldest first */
  deploys: (app: string) => `teal:app:${app}:deploys`,
  /** list of queued deploy ids, oldest first */
  queued: (app: string) => `teal:app:${app}:queued`,
  /** hash: number to JSON release */
  releases: (app: string) => `teal:app:${app}:releases`,
  /** set of instance ids */
  instances: (app: string) => `teal:app:${app}:instances`,
  /** set of instance ids: the targets of the current route */
  targets: (app: string) => `teal:app:${app}:targets`,
  /** set of the hosts in the current route */
  appHosts: (app: string) => `teal:app:${app}:hosts`,
  /** hash: `config.NAME` to a sealed value or "" (to be unset), `formation.PROCESS` to a number, `domain.HOST` to 1, `hold` to 1, `option.PART` to JSON */
  settings: (app: string) => `teal:app:${app}:settings`,
  /** hash: cron job's id to JSON of how it goes */
  cron: (app: string) => `teal:app:${app}:cron`,
  /** string with a time to live: somebody looks at the app's cron jobs */
  cronLock: (app: string) => `teal:app:${app}:cron-lock`,
  /** string with a time to live: the run that was due then is somebody's */
  cronTaken: (app: string, job: string, due: number) => `teal:app:${app}:cron:${job}:${due}`,
  /** hash: flat fields */
  deploy: (id: string) => `teal:deploy:${id}`,
  /** stream of log lines */
  deployLog: (id: string) => `teal:deploy:${id}:log`,
  /** hash: step name to JSON of what it found (the journal) */
  deploySteps: (id: string) => `teal:deploy:${id}:steps`,
  /** set of the deploy's instances that are removed: their ids are not used again */
  deployGone: (id: string) => `teal:deploy:${id}:gone`,
  /** hash: flat fields */
  instance: (id: string) => `teal:instance:${id}`,
  /** hash: app to JSON route */
  routes: "teal:routes",
  /** counter: grows with every change of any route */
  routesSeq: "teal:routes:seq",
  /** hash: app to JSON of what runs beside its live colour */
  idles: "teal:idles",
  /** counter: grows with every change of what runs beside any live colour */
  idlesSeq: "teal:idles:seq",
  /** hash: host to app (invariant 10) */
  hosts: "teal:hosts",
  /** hash: `APP ID` to JSON certificate, its key sealed */
  certificates: "teal:certificates",
  /** string with a time to live: the worker that orders certificates */
  acmeLease: "teal:acme:lease",
  /** hash: URL of an ACME directory to its account, sealed */
  acmeAccounts: "teal:acme:accounts",
  /** hash: host to JSON of the last order that failed */
  acmeAttempts: "teal:acme:attempts",
  /** sorted set: orders by when they were placed, and their counter */
  acmeOrders: "teal:acme:orders",
  acmeCount: "teal:acme:count",
  /** string with a time to live: what routers answer an ACME server's token at a host with */
  acmeAnswer: (host: string, token: string) => `teal:acme:answer:${host} ${token}`,
  /** string with a time to live: JSON of the certificate for acme-tls/1 at a host, its key sealed */
  acmeProof: (host: string) => `teal:acme:proof:${host}`,
  /** counter: grows with every change of any certificate */
  certificatesSeq: "teal:certificates:seq",
  /** string with a time to live: what routers resume TLS sessions by in a period, sealed */
  ticketKey: (period: number) => `teal:tickets:${period}`,
  /** sorted set: router id by end of its lease */
  routers: "teal:routers",
  /** string: JSON RouterReport */
  router: (id: string) => `teal:router:${id}`,
  /** string with a time to live: the deploy that a webhook delivery made */
  delivery: (id: string) => `teal:delivery:${id}`,
  /** hash: sender id to JSON, with its secrets sealed */
  senders: (app: string) => `teal:app:${app}:senders`,
  /** list of JSON: what became of deliveries, newest first */
  deliveries: (app: string) => `teal:app:${app}:deliveries`,
  /** list of `KEY SEALED`: what came with the newest deliveries */
  came: (app: string) => `teal:app:${app}:came`,
  /** hash: notifier id to JSON, with its secrets sealed */
  notifiers: (app: string) => `teal:app:${app}:notifiers`,
  /** list of JSON: notifications tried, newest first */
  sent: (app: string) => `teal:app:${app}:sent`,
  /** hash: app to JSON of the images of its releases that are gone (apps/gone-images.ts) */
  goneImages: "teal:gone-images",
  /** hash: app to JSON of its newest watch (apps/guard.ts) */
  watches: "teal:watches",
  /** string with a time to live: the worker that watches over what runs */
  warden: "teal:warden",
  /** sorted set by time: JSON of crashes (apps/crashes.ts) */
  crashes: (app: string) => `teal:app:${app}:crashes`,
  /** string with a time to live: when an instance was found in a crash loop */
  loop: (instance: string) => `teal:loop:${instance}`,
  /** string with a time to live: an instance that is not well was left alone, and that was told */
  spared: (instance: string) => `teal:spared:${instance}`,
  /** list of `DEPLOY STATE` `DEPLOY crash-loop INSTANCE` `DEPLOY check-failing TEXT` or `DEPLOY certificate-… HOST…`, `DEPLOY disk-low TEXT`, oldest first: what is still to be told */
  notices: "teal:notices",
  /** string with a time to live: that the disk is nearly full was told */
  diskLow: "teal:disk-low",
  /** stream of JSON: who did what, on the whole platform */
  events: "teal:events",
  /** stream of JSON: the same of one app, under the same ids */
  appEvents: (app: string) => `teal:app:${app}:events`,
  /** capped stream of JSON samples: what the app's colours answered and its instances took up */
  series: (app: string) => `teal:app:${app}:series`,
  /** string with a time to live: the worker that samples */
  sampler: "teal:sampler",
  /** hash: SHA-256 of token to JSON */
  tokens: "teal:tokens",
  /** hash: registry's host to JSON, with its password sealed */
  registries: "teal:registries",
  /** hash: id of token or fingerprint of SSH key to when it was last used, ms */
  used: "teal:used",
  /** string with a time to live: JSON of what an Idempotency-Key (SHA-256 of caller and key) led to */
  once: (digest: string) => `teal:once:${digest}`,
  /** hash: `KIND HOST PID` to JSON of what that process of the platform takes up */
  processes: "teal:processes",
  /** hash: user to JSON */
  users: "teal:users",
  /** hash: app to the user's role there */
  userApps: (user: string) => `teal:user:${user}:apps`,
  /** string with a time to live: `SINCE USER`, whom an invitation (its SHA-256) is for */
  invitation: (digest: string) => `teal:invitation:${digest}`,
  /** string with a time to live: what is good once (its SHA-256) was used */
  spent: (digest: string) => `teal:spent:${digest}`,
  /** hash: SSH key fingerprint to JSON */
  sshKeys: "teal:ssh-keys",
} as const;

export const channels = {
  routeEvents: "teal:route-events",
  routeAcks: "teal:route-acks",
  /** one message `APP` for every change of its certificates */
  certificateEvents: "teal:certificate-events",
  /** one message `DEPLOY-ID` for every log line or change of state of a deploy */
  deployEvents: "teal:deploy-events",
  /** one message `*` for every event in `teal:events` */
  events: "teal:events:new",
  /** an app that something was seen of, or nothing for all, with every sample */
  seriesEvents: "teal:series-events",
} as const;
