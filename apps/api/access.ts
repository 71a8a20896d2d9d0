import { z } from "zod";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { ownRoutes, viewKey, viewToken } from "./own.ts";
import { createKeyBody, createTokenBody, keySchema, tokenSchema } from "./schemas-access.ts";
import { userRoutes } from "./users.ts";

const DAY = 24 * 3600 * 1000;

export function accessRoutes(options: ApiOptions): Route[] {
  return [
    ...keyRoutes(options),
    ...tokenRoutes(options),
    ...ownRoutes(options),
    ...userRoutes(options),
  ];
}

function keyRoutes({ access }: ApiOptions): Route[] {
  const ownerOf = createOwnerOf(access);
  return [
    route({
      method: "get",
      path: "/keys",
      summary: "The SSH keys that may push",
      subject: "platform",
      needs: "admin",
      answer: z.object({ keys: z.array(keySchema) }),
      handle: async () => ({ keys: (await access.listKeys()).map(viewKey) }),
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
      async handle({ body: { key, user, ...wish } }) {
        const whose = await ownerOf(user);
        return viewKey(await access.addKey({ ...wish, ...whose, publicKey: key }));
      },
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
  const ownerOf = createOwnerOf(access);
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
      async handle({ body: { ttlDays, user, ...wish } }) {
        const whose = await ownerOf(user);
        const ttl = ttlDays === undefined ? {} : { ttlMs: ttlDays * DAY };
        return access.createToken({ ...wish, ...whose, ...ttl });
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

/** Whose a new token or key is to be. @throws user-not-found */
function createOwnerOf({ users }: ApiOptions["access"]) {
  return async (name: string | undefined): Promise<{ user?: string }> => {
    if (name === undefined) return {};
    if (!(await users.get(name))) throw new TealError("user-not-found", { name });
    return { user: name };
  };
}
