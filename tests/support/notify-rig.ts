import { createOutward } from "../../apps/outward.ts";
import { createNotify } from "../../hooks/notify.ts";
import type { TestApi } from "./api.ts";

interface Told {
  /** Where pages of the dashboard are said to be. */
  at?: string;
  times: { backoffMs: number; exchangeMs: number; attempts?: number };
}

/** Tells people and code hosts of what happens in a test's platform, on loopback too. */
export function startNotify(api: TestApi, { at = "http://teal.test", times }: Told) {
  return createNotify({
    redis: api.redis.connect(),
    blocking: api.redis.connect({ maxRetriesPerRequest: null }),
    store: api.store,
    notifiers: api.notifiers,
    senders: api.senders,
    outward: createOutward({ allowPrivate: true }),
    allowPrivate: true,
    urlOf: (app) => `http://${app}.teal.test/`,
    logUrlOf: (app, deploy) => `${at}/apps/${app}/deploys/${deploy}`,
    log: api.options.log,
    times: { pollMs: 20, attempts: 4, ...times },
  });
}
