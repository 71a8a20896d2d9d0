import type { Settings } from "./config.ts";

/** The host that an app answers at, without a domain of its own. */
export function defaultHost(app: string, settings: Pick<Settings, "domain">): string {
  return `${app}.${settings.domain}`;
}

/** The URL to show for an app. */
export function appUrl(app: string, settings: Pick<Settings, "domain" | "routerPort">): string {
  return urlAt(defaultHost(app, settings), settings);
}

/** Where what runs beside the live colour answers: what is held, else the standby. */
export function idleUrl(app: string, settings: Pick<Settings, "domain" | "routerPort">): string {
  return urlAt(`idle--${defaultHost(app, settings)}`, settings);
}

function urlAt(host: string, { routerPort }: Pick<Settings, "routerPort">): string {
  return `http://${host}${routerPort === 80 ? "" : `:${routerPort}`}/`;
}
