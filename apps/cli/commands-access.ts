import type { Command } from "./command.ts";

const access = () => import("./access.ts");
const users = () => import("./users.ts");

/** Who may do what, and who did. */
export const ACCESS_COMMANDS: Command[] = [
  {
    name: "keys",
    summary: "the SSH keys that may push",
    args: [],
    example: "teal keys",
    run: async (input) => (await access()).listKeys(input),
  },
  {
    name: "keys:add",
    summary: "let an SSH key push; FILE may be - for standard input",
    args: ["NAME", "FILE"],
    options: {
      role: { type: "string", value: "ROLE", help: "admin, deploy (the default) or read" },
      apps: { type: "string", value: "A,B", help: "which apps (all)" },
      user: { type: "string", value: "USER", help: "whose it is" },
    },
    example: "teal keys:add ann ~/.ssh/id_ed25519.pub",
    run: async (input) => (await access()).addKey(input),
  },
  {
    name: "keys:remove",
    summary: "take an SSH key's right to push away",
    args: ["FINGERPRINT"],
    example: "teal keys:remove SHA256:5kB…",
    run: async (input) => (await access()).removeKey(input),
  },
  {
    name: "tokens",
    summary: "the tokens, without their secrets",
    args: [],
    example: "teal tokens",
    run: async (input) => (await access()).listTokens(input),
  },
  {
    name: "tokens:create",
    summary: "make a token; its secret is shown once",
    args: [],
    options: {
      name: { type: "string", value: "NAME", help: "who or what will use it" },
      role: { type: "string", value: "ROLE", help: "admin, deploy, read or metrics" },
      app: { type: "string", short: "a", value: "A,B", help: "which apps (all)" },
      user: { type: "string", value: "USER", help: "whose it is" },
      ttl: { type: "string", value: "DAYS", help: "days until it ends (never)" },
    },
    example: "teal tokens:create --name ci --role deploy --app shop",
    run: async (input) => (await access()).createToken(input),
  },
  {
    name: "tokens:revoke",
    summary: "end a token at once",
    args: ["ID"],
    example: "teal tokens:revoke 3f2a91",
    run: async (input) => (await access()).revokeToken(input),
  },
  {
    name: "whoami",
    summary: "whom your token stands for, and where",
    args: [],
    example: "teal whoami",
    run: async (input) => (await access()).whoami(input),
  },
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
    run: async (input) => (await users()).listUsers(input),
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
    run: async (input) => (await users()).addUser(input),
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
    run: async (input) => (await users()).setUser(input),
  },
  {
    name: "users:invite",
    summary: "let a user in anew, without ending what they have",
    args: ["NAME"],
    example: "teal users:invite ann",
    run: async (input) => (await users()).inviteUser(input),
  },
  {
    name: "users:remove",
    summary: "remove a user; their tokens, sessions and keys end at once",
    args: ["NAME"],
    example: "teal users:remove ann",
    run: async (input) => (await users()).removeUser(input),
  },
  {
    name: "access",
    summary: "the users who have a role with the app",
    args: [],
    app: true,
    example: "teal access -a shop",
    run: async (input) => (await users()).listAccess(input),
  },
  {
    name: "access:add",
    summary: "give a user a role with the app",
    args: ["USER"],
    app: true,
    options: { role: { type: "string", value: "ROLE", help: "deploy (the default) or read" } },
    example: "teal access:add ann --role deploy -a shop",
    run: async (input) => (await users()).addAccess(input),
  },
  {
    name: "access:remove",
    summary: "take a user's role with the app away",
    args: ["USER"],
    app: true,
    example: "teal access:remove ann -a shop",
    run: async (input) => (await users()).removeAccess(input),
  },
];
