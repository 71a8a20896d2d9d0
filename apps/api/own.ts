import { z } from "zod";
import type { Identity, KeyRecord, TokenRecord, Used } from "../access.ts";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { keySchema, ownKeyBody, ownTokenBody, tokenSchema } from "./schemas-access.ts";

const DAY = 24 * 3600 * 1000;

/** A user's own tokens and keys, which need no admin. */
export function ownRoutes(options: ApiOptions): Route[] {
  return [...ownTokenRoutes(options), ...ownKeyRoutes(options)];
}

function ownTokenRoutes({ access }: ApiOptions): Route[] {
  const own = async (identity: Identity) =>
    (await access.listTokens()).filter((token) => token.user === userOf(identity));
  return [
    route({
      method: "get",
      path: "/user/tokens",
      summary: "The caller's own tokens, without their secrets",
      subject: "platform",
      needs: "token",
      answer: z.object({ tokens: z.array(tokenSchema) }),
      handle: async ({ identity }) => ({ tokens: (await own(identity)).map(viewToken) }),
    }),
    route({
      method: "post",
      path: "/user/tokens",
      summary: "Make a token for oneself; its secret is in this answer and nowhere else",
      subject: "platform",
      needs: "token",
      body: ownTokenBody,
      status: 201,
      answer: z.object({ id: z.string(), secret: z.string() }),
      handle({ identity, body: { ttlDays, ...wish } }) {
        const user = wholeUserOf(identity);
        const ttl = ttlDays === undefined ? {} : { ttlMs: ttlDays * DAY };
        return access.createToken({ ...wish, user, ...ttl });
      },
    }),
    route({
      method: "delete",
      path: "/user/tokens/:token",
      summary: "End one of one's own tokens at once, and the sessions begun with it",
      subject: "platform",
      needs: "token",
      status: 204,
      async handle({ identity, params }) {
        const id = (params["token"] ?? "").slice(0, 200);
        const isOwn = (await own(identity)).some((token) => token.id === id);
        if (!isOwn || !(await access.revokeToken(id)))
          throw new TealError("token-not-found", { id });
      },
    }),
  ];
}

function ownKeyRoutes({ access }: ApiOptions): Route[] {
  const own = async (identity: Identity) =>
    (await access.listKeys()).filter((key) => key.user === userOf(identity));
  return [
    route({
      method: "get",
      path: "/user/keys",
      summary: "The caller's own SSH keys",
      subject: "platform",
      needs: "token",
      answer: z.object({ keys: z.array(keySchema) }),
      handle: async ({ identity }) => ({ keys: (await own(identity)).map(viewKey) }),
    }),
    route({
      method: "post",
      path: "/user/keys",
      summary: "Add an SSH key of one's own",
      subject: "platform",
      needs: "token",
      body: ownKeyBody,
      status: 201,
      answer: keySchema,
      async handle({ identity, body: { key, ...wish } }) {
        const user = wholeUserOf(identity);
        return viewKey(await access.addKey({ ...wish, user, publicKey: key }));
      },
    }),
    route({
      method: "delete",
      path: "/user/keys/:fingerprint",
      summary: "Take an SSH key of one's own away",
      subject: "platform",
      needs: "token",
      status: 204,
      async handle({ identity, params }) {
        const fingerprint = (params["fingerprint"] ?? "").slice(0, 200);
        const isOwn = (await own(identity)).some((key) => key.fingerprint === fingerprint);
        if (!isOwn || !(await access.removeKey(fingerprint)))
          throw new TealError("key-not-found", { fingerprint });
      },
    }),
  ];
}

/** What is shown of a token: never its digest. */
export function viewToken(token: TokenRecord & Used) {
  const { id, name, role, apps, user, createdAt, expiresAt, lastUsedAt, under, session } = token;
  return {
    ...{ id, name, role, apps, createdAt },
    kind: session || under !== undefined ? ("session" as const) : ("token" as const),
    ...(user !== undefined && { user }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  };
}

export function viewKey(key: KeyRecord & Used) {
  const { fingerprint, name, role, apps, user, publicKey, createdAt, lastUsedAt } = key;
  return {
    ...{ fingerprint, name, role, apps, publicKey, createdAt },
    ...(user !== undefined && { user }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  };
}

/** @throws not-a-user */
function userOf({ user }: Identity): string {
  if (user === undefined) throw new TealError("not-a-user", { what: "nobody's own" });
  return user;
}

/** Who has a token that does less than its user may not make one that does more. @throws not-a-user */
function wholeUserOf(identity: Identity): string {
  const user = userOf(identity);
  const { scope } = identity;
  if (scope?.role === "admin" && scope.apps === "*") return user;
  throw new TealError("not-a-user", { what: "limited to a part of that" });
}
