import type { Settings } from "./config.ts";
import type { Sender } from "./senders.ts";

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

/**
 * Where a webhook sender sends to, under the public address. Docker Hub can neither sign nor send a
 * header: its address holds the secret, and without one here it is no whole address.
 */
export function hookPath({ app, id, provider }: Sender, secret?: string): string {
  const key = provider === "dockerhub" && secret !== undefined ? `/${secret}` : "";
  return `/hooks/${app}/${id}${key}`;
}
