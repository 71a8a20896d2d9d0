import type { Command } from "./command.ts";
import { NO_FOLLOW } from "./commands-life.ts";

const routing = () => import("./routing.ts");

/** The commands for what the router does for one app. */
export const ROUTING_COMMANDS: Command[] = [
  {
    name: "open",
    summary: "the app's address, or that of what waits or stands by beside it",
    args: [],
    app: true,
    options: { idle: { type: "boolean", help: "of the colour that is not live" } },
    example: "teal open -a shop --idle",
    run: async (input) => (await import("./apps.ts")).openApp(input),
  },
  {
    name: "routing",
    summary: "what the router does for the app: redirects, limits, pages, log",
    args: [],
    app: true,
    example: "teal routing -a shop",
    run: async (input) => (await routing()).showRouting(input),
  },
  {
    name: "routing:set",
    summary: "redirects, limits, stickiness, log and so on; 'teal routing' has the names",
    args: ["NAME=VALUE…"],
    app: true,
    options: NO_FOLLOW,
    example: "teal routing:set -a shop https-redirect=on max-body=10mb response-timeout=30s",
    run: async (input) => (await routing()).setRouting(input),
  },
  {
    name: "routing:unset",
    summary: "do as for every app again",
    args: ["NAME…"],
    app: true,
    options: NO_FOLLOW,
    example: "teal routing:unset -a shop max-body",
    run: async (input) => (await routing()).unsetRouting(input),
  },
  {
    name: "maintenance:on",
    summary: "answer everything with 503 and a page; deploys go on behind it",
    args: [],
    app: true,
    options: {
      page: { type: "string", value: "FILE", help: "HTML of your own; - for standard input" },
      ...NO_FOLLOW,
    },
    example: "teal maintenance:on -a shop --page back-soon.html",
    run: async (input) => (await routing()).maintenance(input, true),
  },
  {
    name: "maintenance:off",
    summary: "let the app answer again; its page is kept",
    args: [],
    app: true,
    options: NO_FOLLOW,
    example: "teal maintenance:off -a shop",
    run: async (input) => (await routing()).maintenance(input, false),
  },
  {
    name: "pages:set",
    summary: "an HTML page of your own for maintenance, 502, 503 or 504; FILE may be -",
    args: ["PAGE", "FILE"],
    app: true,
    options: NO_FOLLOW,
    example: "teal pages:set 502 sorry.html -a shop",
    run: async (input) => (await routing()).setPage(input),
  },
  {
    name: "pages:unset",
    summary: "the router's own page again",
    args: ["PAGE"],
    app: true,
    options: NO_FOLLOW,
    example: "teal pages:unset 502 -a shop",
    run: async (input) => (await routing()).unsetPage(input),
  },
];
