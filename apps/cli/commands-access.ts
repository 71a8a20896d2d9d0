import type { Command } from "./command.ts";

/** Who may do what, and who did. */
export const ACCESS_COMMANDS: Command[] = [
  {
    name: "events",
    summary: "who did what, when, from where",
    args: [],
    options: {
      app: { type: "string", short: "a", value: "APP", help: "of one app (all that you may see)" },
      limit: { type: "string", value: "N", help: "how many (20)" },
      follow: { type: "boolean", short: "f", help: "go on as things happen" },
    },
    example: "teal events -a shop -f",
    run: async (input) => (await import("./events.ts")).listEvents(input),
  },
  {
    name: "users",
    summary: "the users of the platform",
    args: [],
    example: "teal users",
    run: async (input) => (await import("./users.ts")).listUsers(input),
  },
  {
    name: "users:add",
    summary: "add a user; the invitation that lets them in is shown once",
    args: ["NAME"],
    options: {
      role: { type: "string", value: "ROLE", help: "member (the default) or admin" },
      email: { type: "string", value: "ADDRESS", help: "finds them at an OpenID sign-in" },
    },
    example: "teal users:add ann --email ann@example.org",
    run: async (input) => (await import("./users.ts")).addUser(input),
  },
  {
    name: "users:set",
    summary: "say by what a user is found at an OpenID sign-in",
    args: ["NAME"],
    options: {
      email: { type: "string", value: "ADDRESS", help: "which the provider has verified, or none" },
      subject: {
        type: "string",
        value: "SUB",
        help: "who they are there; none: whoever comes next with the address",
      },
    },
    example: "teal users:set ann --email ann@example.org",
    run: async (input) => (await import("./users.ts")).setUser(input),
  },
  {
    name: "users:invite",
    summary: "let a user in anew, without ending what they have",
    args: ["NAME"],
    example: "teal users:invite ann",
    run: async (input) => (await import("./users.ts")).inviteUser(input),
  },
  {
    name: "users:remove",
    summary: "remove a user; their tokens, sessions and keys end at once",
    args: ["NAME"],
    example: "teal users:remove ann",
    run: async (input) => (await import("./users.ts")).removeUser(input),
  },
  {
    name: "access",
    summary: "the users who have a role with the app",
    args: [],
    app: true,
    example: "teal access -a shop",
    run: async (input) => (await import("./users.ts")).listAccess(input),
  },
  {
    name: "access:add",
    summary: "give a user a role with the app",
    args: ["USER"],
    app: true,
    options: { role: { type: "string", value: "ROLE", help: "deploy (the default) or read" } },
    example: "teal access:add ann --role deploy -a shop",
    run: async (input) => (await import("./users.ts")).addAccess(input),
  },
  {
    name: "access:remove",
    summary: "take a user's role with the app away",
    args: ["USER"],
    app: true,
    example: "teal access:remove ann -a shop",
    run: async (input) => (await import("./users.ts")).removeAccess(input),
  },
];
