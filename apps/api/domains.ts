import { z } from "zod";
import { defaultHost } from "../address.ts";
import { TealError } from "../errors.ts";
import { normaliseDomain, normaliseHost } from "../hosts.ts";
import type { SettingsChange } from "../types.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { domainBody, domainsSchema } from "./schemas-apps.ts";
import { deploySchema } from "./schemas.ts";

const changed = z.object({ host: z.string(), deploy: deploySchema.nullable() });

export function domainRoutes({ store, deploys, settings, publicUrl }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/domains",
      summary: "The hosts that the app answers at",
      subject: "app",
      needs: "read",
      answer: domainsSchema,
      async handle({ subject: { name } }) {
        const { domains } = await store.getSettings(name);
        return { platform: defaultHost(name, settings), domains };
      },
    }),
    route({
      method: "post",
      path: "/apps/:app/domains",
      summary: "Let the app answer at another host; it is the app's from now on",
      subject: "app",
      needs: "push",
      body: domainBody,
      status: 202,
      answer: changed,
      handle({ subject, body, identity }) {
        const host = normaliseHost(body.host, { ...settings, publicUrl });
        return change(subject.name, identity.name, host, { addDomains: [host] });
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/domains/:host",
      summary: "Let the app answer at a host no more",
      subject: "app",
      needs: "push",
      status: 202,
      answer: changed,
      async handle({ subject: { name }, params, identity }) {
        const host = normaliseDomain((params["host"] ?? "").slice(0, 300));
        const { domains } = await store.getSettings(name);
        if (!domains.includes(host)) throw new TealError("domain-not-found", { name, host });
        return change(name, identity.name, host, { removeDomains: [host] });
      },
    }),
  ];

  async function change(app: string, by: string, host: string, wish: SettingsChange) {
    await store.changeSettings(app, wish);
    const why = `${wish.addDomains ? "add" : "remove"} ${host}`;
    return { host, deploy: await deploys.change({ app, kind: "domains", by, why }) };
  }
}
