import { z } from "zod";
import { APP_NAME } from "../types.ts";

/** What the routes of users, tokens and keys take and give. */

const time = z.number().int().describe("milliseconds since the epoch");
const appName = z.string().regex(APP_NAME, "an app's name such as 'shop-2'");
/** A name that people gave: of a token or a key. */
const givenName = z
  .string()
  .trim()
  .min(1)
  .max(60)
  .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, "one line of plain text");
const role = z
  .enum(["admin", "deploy", "read", "metrics"])
  .describe("of a user's: at most that; admin: all that the user may");
const appRole = z.enum(["deploy", "read"]);
const userName = z.string().max(100);
const appsGiven = z
  .union([z.literal("*"), z.array(appName).min(1).max(1000)])
  .describe("'*' for all apps");

export const identitySchema = z.object({
  name: z.string(),
  role,
  apps: z
    .union([z.literal("*"), z.array(z.string())])
    .describe("'*' for all apps; of a user nobody has given a role yet: none"),
  user: z.string().optional().describe("absent: a token that is no user's"),
  grants: z.record(z.string(), appRole).optional().describe("a member's roles, app by app"),
});

export const userSchema = z.object({
  name: z.string(),
  role: z.enum(["admin", "member"]),
  email: z.string().optional().describe("by which a sign-in at an OpenID provider finds them"),
  openid: z
    .object({ issuer: z.string(), subject: z.string() })
    .optional()
    .describe("who they are at the OpenID provider, from their first sign-in there on"),
  createdAt: time,
  by: z.string(),
  apps: z.record(z.string(), appRole),
});
export const addUserBody = z.strictObject({
  name: userName,
  role: z.enum(["admin", "member"]).default("member"),
  email: z.email().max(200).toLowerCase().optional(),
});
export const changeUserBody = z.strictObject({
  email: addUserBody.shape.email.nullable().describe("null: none"),
  subject: z
    .string()
    .min(1)
    .max(255)
    .nullable()
    .optional()
    .describe(
      "who they are at the OpenID provider (`sub`); null: nobody, so that they may come anew",
    ),
});
export const invitationSchema = z.object({
  invitation: z.string().describe("good once; it is in this answer and nowhere else"),
  expiresAt: time,
});
export const acceptBody = z.strictObject({
  invitation: z.string().max(200),
  name: givenName.default("sign-in").describe("of the token that comes of it"),
});
export const collaboratorSchema = z.object({ user: z.string(), role: appRole });
export const grantBody = z.strictObject({ user: userName, role: appRole });

export const keySchema = z.object({
  fingerprint: z.string().describe("as `ssh-keygen -l` prints it"),
  name: z.string(),
  role,
  apps: appsGiven,
  publicKey: z.string(),
  user: z.string().optional(),
  createdAt: time,
  lastUsedAt: time.optional(),
});

export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role,
  apps: appsGiven,
  kind: z
    .enum(["token", "session"])
    .describe("a session is a dashboard's, and ends with its token"),
  createdAt: time,
  user: z.string().optional(),
  expiresAt: time.optional(),
  lastUsedAt: time.optional(),
});

export const createKeyBody = z.strictObject({
  name: givenName,
  key: z.string().max(20_000).describe("one line of an OpenSSH public key"),
  role: role.default("deploy"),
  apps: appsGiven.default("*"),
  user: userName.optional().describe("whose it is"),
});
export const createTokenBody = z.strictObject({
  name: givenName,
  role,
  apps: appsGiven.default("*"),
  user: userName.optional().describe("whose it is"),
  ttlDays: z.number().positive().max(3660).optional().describe("none: it does not end"),
});
export const ownTokenBody = createTokenBody
  .omit({ user: true })
  .extend({ role: z.enum(["admin", "deploy", "read"]).default("admin") });
export const ownKeyBody = createKeyBody
  .omit({ user: true })
  .extend({ role: role.default("admin") });
