import { defaultHost } from "./address.ts";
import type { Settings } from "./config.ts";
import type { Deploys } from "./deploys.ts";
import { TealError } from "./errors.ts";
import { normaliseName } from "./hosts.ts";
import type { OptionsChange } from "./options.ts";
import { MAX_PAGE_BYTES, routingParts, type PageName, type Routing } from "./routing.ts";
import type { Store } from "./store.ts";
import type { Deploy } from "./types.ts";

interface Options {
  store: Pick<Store, "getSettings" | "changeSettings">;
  deploys: Pick<Deploys, "change">;
  settings: Pick<Settings, "domain">;
}

export interface RoutingChange {
  app: string;
  by: string;
  /** null takes a field away. */
  fields?: { [K in keyof Routing]?: Routing[K] | null };
  /** HTML; null takes a page away. */
  pages?: { [P in PageName]?: string | null };
}

/**
 * Tells the router something about one app, from the next moment on; null when nothing is live yet.
 * @throws bad-routing, bad-host, domain-not-found, page-too-large, app-not-found
 */
export async function changeRouting(
  { store, deploys, settings }: Options,
  { app, by, fields = {}, pages = {} }: RoutingChange,
): Promise<Deploy | null> {
  const names = [...Object.keys(fields), ...Object.keys(pages).map((page) => `page ${page}`)];
  if (names.length === 0) throw new TealError("bad-routing", { detail: "none came" });
  for (const [page, html] of Object.entries(pages)) assertPage(page, html);
  const change = { ...fields };
  if (typeof change.canonicalHost === "string") {
    const host = normaliseName(change.canonicalHost);
    const { domains } = await store.getSettings(app);
    if (![defaultHost(app, settings), ...domains].includes(host)) {
      throw new TealError("domain-not-found", { name: app, host });
    }
    change.canonicalHost = host;
  }
  const parts = Object.entries(pages).map(([page, html]) => [`page.${page}`, html] as const);
  const options = { ...routingParts(change), ...Object.fromEntries(parts) } as OptionsChange;
  await store.changeSettings(app, { options });
  const why = [
    ...Object.entries(change).map(([field, value]) => `${field}=${value ?? "default"}`),
    ...parts.map(([part, html]) => `${html === null ? "remove " : ""}${part}`),
  ];
  return deploys.change({ app, kind: "routing", by, why: why.join(" ") });
}

function assertPage(page: string, html: string | null | undefined): void {
  const bytes = Buffer.byteLength(html ?? "");
  if (bytes > MAX_PAGE_BYTES) {
    throw new TealError("page-too-large", { page, bytes, limit: MAX_PAGE_BYTES });
  }
}
