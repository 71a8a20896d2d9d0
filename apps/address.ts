import type { Settings } from "./config.ts";

/** The host that an app answers at, without a domain of its own. */
export function defaultHost(app: string, settings: Pick<Settings, "domain">): string {
  return `${app}.${settings.domain}`;
}

/** The URL to show for an app. */
export function appUrl(app: string, settings: Pick<Settings, "domain" | "routerPort">): string {
  const port = settings.routerPort === 80 ? "" : `:${settings.routerPort}`;
  return `http://${defaultHost(app, settings)}${port}/`;
}
