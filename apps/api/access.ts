import { z } from "zod";
import type { TokenRecord } from "../access.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { createKeyBody, createTokenBody, keySchema, tokenSchema } from "./schemas.ts";

const DAY = 24 * 3600 * 1000;

export function accessRoutes(options: ApiOptions): Route[] {
  return [...keyRoutes(options), ...tokenRoutes(options)];
}

function keyRoutes({ access }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/keys",
      summary: "The SSH keys that may push",
      subject: "platform",
      needs: "admin",
      answer: z.object({ keys: z.array(keySchema) }),
      handle: async () => ({ keys: await access.listKeys() }),
    }),
    route({
      method: "post",
      path: "/keys",
      summary: "Let an SSH key push",
      subject: "platform",
      needs: "admin",
      body: createKeyBody,
      status: 201,
      answer: keySchema,
      handle: ({ body: { key, ...identity } }) => access.addKey({ ...identity, publicKey: key }),
    }),
    route({
      method: "delete",
      path: "/keys/:fingerprint",
      summary: "Take an SSH key's right to push away",
      subject: "platform",
      needs: "admin",
      status: 204,
      async handle({ params }) {
        const fingerprint = (params["fingerprint"] ?? "").slice(0, 200);
        if (!(await access.removeKey(fingerprint)))
          throw new TealError("key-not-found", { fingerprint });
      },
    }),
  ];
}

function tokenRoutes({ access }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/tokens",
      summary: "The tokens, without their secrets",
      subject: "platform",
      needs: "admin",
      answer: z.object({ tokens: z.array(tokenSchema) }),
      handle: async () => ({ tokens: (await access.listTokens()).map(viewToken) }),
    }),
    route({
      method: "post",
      path: "/tokens",
      summary: "Make a token; its secret is in this answer and nowhere else",
      subject: "platform",
      needs: "admin",
      body: createTokenBody,
      status: 201,
      answer: z.object({ id: z.string(), secret: z.string() }),
      handle({ body: { ttlDays, ...identity } }) {
        return access.createToken({ ...identity, ...(ttlDays && { ttlMs: ttlDays * DAY }) });
      },
    }),
    route({
      method: "delete",
      path: "/tokens/:token",
      summary: "End a token at once, and the sessions begun with it",
      subject: "platform",
      needs: "admin",
      status: 204,
      async handle({ params }) {
        const id = (params["token"] ?? "").slice(0, 200);
        if (!(await access.revokeToken(id))) throw new TealError("token-not-found", { id });
      },
    }),
  ];
}

function viewToken({ id, name, role, apps, createdAt, expiresAt, under }: TokenRecord) {
  const kind = under === undefined ? "token" : "session";
  return { id, name, role, apps, kind, createdAt, ...(expiresAt !== undefined && { expiresAt }) };
}
