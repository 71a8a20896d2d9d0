import type { Command } from "./command.ts";

/** What the command line is told about itself. */
export const SELF_COMMANDS: Command[] = [
  {
    name: "login",
    summary: "sign in at a platform, with a token or an invitation that is asked for",
    args: ["URL"],
    example: "teal login https://deploy.example.org",
    run: async (input) => (await import("./login.ts")).login(input),
  },
  {
    name: "logout",
    summary: "forget the token of the platform in use",
    args: [],
    example: "teal logout",
    run: async (input) => (await import("./login.ts")).logout(input),
  },
  {
    name: "contexts",
    summary: "where one is signed in",
    args: [],
    example: "teal contexts",
    run: async (input) => (await import("./login.ts")).listContexts(input),
  },
  {
    name: "contexts:use",
    summary: "speak to another platform from now on",
    args: ["NAME"],
    example: "teal contexts:use deploy.example.org",
    run: async (input) => (await import("./login.ts")).useContext(input),
  },
  {
    name: "contexts:remove",
    summary: "forget a platform and its token",
    args: ["NAME"],
    example: "teal contexts:remove deploy.example.org",
    run: async (input) => (await import("./login.ts")).removeContext(input),
  },
];
