import type { Command } from "./command.ts";

export const NO_FOLLOW = {
  "no-follow": { type: "boolean", help: "do not wait until it is live" },
} as const;

export const PROMOTE_AFTER = {
  "promote-after": {
    type: "string",
    value: "10m",
    help: "hold, and promote by itself when nobody has done either",
  },
} as const;

const CHANGE = {
  "no-restart": { type: "boolean", help: "leave it to the next release" },
  ...NO_FOLLOW,
} as const;

const config = () => import("./config.ts");
const life = () => import("./life.ts");
const retention = () => import("./retention.ts");
const domains = () => import("./domains.ts");

/** The commands of an app's days: config, instances, held versions, domains. */
export const LIFE_COMMANDS: Command[] = [
  {
    name: "config",
    summary: "the app's config, its values masked",
    args: [],
    app: true,
    options: { reveal: { type: "boolean", help: "show the values" } },
    example: "teal config -a shop",
    run: async (input) => (await config()).listConfig(input),
  },
  {
    name: "config:get",
    summary: "one value",
    args: ["NAME"],
    app: true,
    example: "teal config:get DATABASE_URL -a shop",
    run: async (input) => (await config()).getConfig(input),
  },
  {
    name: "config:set",
    summary: "set values, all in one release",
    args: ["NAME=VALUE…"],
    app: true,
    options: CHANGE,
    example: "teal config:set -a shop GREETING=hello LIMIT=3",
    run: async (input) => (await config()).setConfig(input),
  },
  {
    name: "config:unset",
    summary: "take values away, all in one release",
    args: ["NAME…"],
    app: true,
    options: CHANGE,
    example: "teal config:unset -a shop GREETING",
    run: async (input) => (await config()).unsetConfig(input),
  },
  {
    name: "config:import",
    summary: "set what a .env file says; FILE may be - for standard input",
    args: ["FILE"],
    app: true,
    options: CHANGE,
    example: "teal config:import .env -a shop",
    run: async (input) => (await config()).importConfig(input),
  },
  {
    name: "config:export",
    summary: "the values, as a .env file",
    args: [],
    app: true,
    example: "teal config:export -a shop",
    run: async (input) => (await config()).exportConfig(input),
  },
  {
    name: "ps:scale",
    summary: "how many instances of each process type; makes no release",
    args: ["PROCESS=N…"],
    app: true,
    options: NO_FOLLOW,
    example: "teal ps:scale -a shop web=3 worker=2",
    run: async (input) => (await life()).scale(input),
  },
  {
    name: "ps:restart",
    summary: "restart through the idle colour, without a gap",
    args: [],
    app: true,
    options: NO_FOLLOW,
    example: "teal ps:restart -a shop",
    run: async (input) => (await life()).restart(input),
  },
  {
    name: "ps:stop",
    summary: "stop all that runs of the app; its hosts answer 503",
    args: [],
    app: true,
    options: NO_FOLLOW,
    example: "teal ps:stop -a shop",
    run: async (input) => (await life()).stop(input, "stop"),
  },
  {
    name: "ps:start",
    summary: "start a stopped app again",
    args: [],
    app: true,
    options: NO_FOLLOW,
    example: "teal ps:start -a shop",
    run: async (input) => (await life()).stop(input, "start"),
  },
  {
    name: "hold:on",
    summary: "new versions wait in the idle colour to be promoted",
    args: [],
    app: true,
    options: PROMOTE_AFTER,
    example: "teal hold:on -a shop --promote-after 10m",
    run: async (input) => (await life()).hold(input, true),
  },
  {
    name: "hold:off",
    summary: "new versions go live by themselves",
    args: [],
    app: true,
    example: "teal hold:off -a shop",
    run: async (input) => (await life()).hold(input, false),
  },
  {
    name: "promote",
    summary: "make the version that is held live",
    args: [],
    app: true,
    options: {
      why: { type: "string", value: "TEXT", help: "the reason, kept with the release" },
      ...NO_FOLLOW,
    },
    example: "teal promote -a shop",
    run: async (input) => (await life()).promote(input),
  },
  {
    name: "abort",
    summary: "throw the version that is held away",
    args: [],
    app: true,
    example: "teal abort -a shop",
    run: async (input) => (await life()).abort(input),
  },
  {
    name: "retention",
    summary: "which releases keep their image, to go back to",
    args: [],
    app: true,
    example: "teal retention -a shop",
    run: async (input) => (await retention()).showRetention(input),
  },
  {
    name: "retention:set",
    summary: "keep, days; nothing behind the = is the default again",
    args: ["NAME=VALUE…"],
    app: true,
    example: "teal retention:set -a shop keep=20 days=90",
    run: async (input) => (await retention()).setRetention(input),
  },
  {
    name: "domains",
    summary: "the hosts that the app answers at",
    args: [],
    app: true,
    example: "teal domains -a shop",
    run: async (input) => (await domains()).listDomains(input),
  },
  {
    name: "domains:add",
    summary: "let the app answer at another host",
    args: ["HOST"],
    app: true,
    options: NO_FOLLOW,
    example: "teal domains:add shop.example.com -a shop",
    run: async (input) => (await domains()).addDomain(input),
  },
  {
    name: "domains:remove",
    summary: "let the app answer at a host no more",
    args: ["HOST"],
    app: true,
    options: NO_FOLLOW,
    example: "teal domains:remove shop.example.com -a shop",
    run: async (input) => (await domains()).removeDomain(input),
  },
];
