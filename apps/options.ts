import type { GuardOptions } from "./guard.ts";
import type { Retention } from "./retention.ts";
import type { Runtime } from "./runtime.ts";
import type { PageParts, RoutingParts } from "./routing.ts";
import type { StorageOptions } from "./mounts.ts";
import type { BuildOptions } from "./build-options.ts";

/**
 * What an app may be told beyond config, formation, domains and hold, part by part. A part that
 * nobody has set is absent, and whoever reads it knows its default. Each part is one JSON value in
 * the store, so that two people who change different parts do not undo each other's change.
 */
export interface AppOptions extends RoutingParts, PageParts {
  build?: BuildOptions;
  guard?: GuardOptions;
  certificates?: CertificateOptions;
  runtime?: Runtime;
  storage?: StorageOptions;
  retention?: Retention;
  /** s: what is held because the app holds its new versions is promoted by itself then. */
  promoteAfter?: number;
  /** Releases after which older code no longer works, because of what they did to its data. */
  irreversible?: number[];
  /** Releases that say so of themselves, and of which people say that it is not so. */
  reversible?: number[];
  /** Its people stopped it: routers answer 503. */
  stopped?: true;
}

export interface CertificateOptions {
  /** Order and renew certificates for the app's hosts, where the platform does (TEAL_ACME); true unless said. */
  auto?: boolean;
}

/** Parts to be set; null makes one absent. */
export type OptionsChange = { [K in keyof AppOptions]?: AppOptions[K] | null };
