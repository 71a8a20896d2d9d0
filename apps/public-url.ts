import type { Settings } from "./config.ts";

/**
 * Where people, CI and code hosts reach the dashboard, the API and git over HTTP: TEAL_PUBLIC_URL,
 * else TEAL_DOMAIN with the API's port. Without a slash at its end.
 */
export function publicUrl(settings: Pick<Settings, "publicUrl" | "domain" | "apiPort">): string {
  return settings.publicUrl ?? `http://${settings.domain}:${settings.apiPort}`;
}

/** Where people read a deploy's log. */
export function deployUrl(base: string, app: string, deploy: string): string {
  return `${base}/apps/${app}/deploys/${deploy}`;
}
