import { z } from "zod";
import { TealError } from "../errors.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import {
  acceptBody,
  addUserBody,
  changeUserBody,
  collaboratorSchema,
  grantBody,
  invitationSchema,
  userSchema,
} from "./schemas-access.ts";

/** People: users of the platform, and who may do what with an app. */
export function userRoutes(options: ApiOptions): Route[] {
  return [...peopleRoutes(options), ...collaboratorRoutes(options), invitationRoute(options)];
}

function peopleRoutes({ access: { users }, settings: { oidc } }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/users",
      summary: "The users, and their roles with apps",
      subject: "platform",
      needs: "admin",
      answer: z.object({ users: z.array(userSchema) }),
      handle: async () => ({ users: await users.list() }),
    }),
    route({
      method: "post",
      path: "/users",
      summary: "Add a user; the invitation in the answer lets them in, once",
      subject: "platform",
      needs: "admin",
      body: addUserBody,
      status: 201,
      answer: z.object({ user: userSchema, ...invitationSchema.shape }),
      async handle({ body: { email, ...wish }, identity }) {
        const user = await users.add({ ...wish, ...(email && { email }), by: identity.name });
        return { user: { ...user, apps: {} }, ...(await users.invite(user.name)) };
      },
    }),
    route({
      method: "post",
      path: "/users/:user",
      summary: "Change by what a user is found at an OpenID sign-in",
      subject: "platform",
      needs: "admin",
      body: changeUserBody,
      answer: userSchema,
      async handle({ params, body: { email, subject } }) {
        const openid = typeof subject === "string" ? { issuer: issuerOf(oidc), subject } : subject;
        const user = await users.change(nameOf(params), {
          ...(email !== undefined && { email }),
          ...(openid !== undefined && { openid }),
        });
        return { ...user, apps: (await users.holder(user.name))?.grants ?? {} };
      },
    }),
    route({
      method: "post",
      path: "/users/:user/invitation",
      summary: "Let a user in anew, once, without ending what they have",
      subject: "platform",
      needs: "admin",
      body: z.strictObject({}),
      status: 201,
      answer: invitationSchema,
      handle: ({ params }) => users.invite(nameOf(params)),
    }),
    route({
      method: "delete",
      path: "/users/:user",
      summary: "Remove a user, and end their tokens, sessions, keys and roles at once",
      subject: "platform",
      needs: "admin",
      status: 204,
      handle: ({ params }) => users.remove(nameOf(params)),
    }),
  ];
}

function collaboratorRoutes({ access: { users } }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/access",
      summary: "The users who have a role with the app; admins have all",
      subject: "app",
      needs: "read",
      answer: z.object({ access: z.array(collaboratorSchema) }),
      handle: async ({ subject }) => ({ access: await users.collaborators(subject.name) }),
    }),
    route({
      method: "post",
      path: "/apps/:app/access",
      summary: "Give a user a role with the app",
      subject: "app",
      needs: "admin",
      body: grantBody,
      status: 201,
      answer: collaboratorSchema,
      async handle({ subject, body }) {
        await users.grant(body.user, subject.name, body.role);
        return body;
      },
    }),
    route({
      method: "delete",
      path: "/apps/:app/access/:user",
      summary: "Take a user's role with the app away",
      subject: "app",
      needs: "admin",
      status: 204,
      handle: ({ subject, params }) => users.withdraw(nameOf(params), subject.name),
    }),
  ];
}

function invitationRoute({ access }: ApiOptions): Route {
  return route({
    method: "post",
    path: "/invitations",
    summary: "Spend an invitation: a token of one's own, shown this once",
    subject: "platform",
    needs: "nothing",
    body: acceptBody,
    status: 201,
    answer: z.object({ user: z.string(), id: z.string(), secret: z.string() }),
    async handle({ body, address }) {
      const user = await access.accept(body.invitation, { address });
      if (user === null) throw new TealError("invitation-spent");
      const wish = { name: body.name, user, role: "admin", apps: "*" } as const;
      return { user, ...(await access.createToken(wish)) };
    },
  });
}

/** @throws bad-request */
function issuerOf(oidc: ApiOptions["settings"]["oidc"]): string {
  if (oidc) return oidc.issuer;
  const detail = "a subject is one of an OpenID provider, and TEAL_OIDC_ISSUER is not set";
  throw new TealError("bad-request", { detail });
}

function nameOf(params: Record<string, string>): string {
  return (params["user"] ?? "").slice(0, 100);
}
