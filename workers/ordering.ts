import type { Redis } from "ioredis";
import { createAcme } from "../apps/acme.ts";
import { createCertificates } from "../apps/certificates.ts";
import type { Settings } from "../apps/config.ts";
import type { Log } from "../apps/log.ts";
import type { Secrets } from "../apps/secrets.ts";
import type { Store } from "../apps/store.ts";
import { createOrder } from "./acme-order.ts";
import { createOrders } from "./acme.ts";

interface OrderingOptions {
  settings: Pick<Settings, "acme" | "caFile">;
  store: Store;
  redis: Redis;
  secrets: Secrets;
  /** Of this worker. */
  id: string;
  log: Log;
}

/** Where the platform orders certificates: until the signal. */
export async function orderCertificates(
  { settings, store, redis, secrets, id, log }: OrderingOptions,
  signal: AbortSignal,
): Promise<void> {
  if (settings.acme === null) return;
  const acme = createAcme(redis, secrets);
  const order = createOrder({ acme, ...settings.acme, caFile: settings.caFile });
  const certificates = createCertificates(redis, secrets);
  await createOrders({ store, certificates, acme, order, id, log }).run(signal);
}
