import type { Command } from "./command.ts";

const run = () => import("./attach.ts");
const NO_TTY = {
  "no-tty": { type: "boolean", help: "no terminal, also where standard input is one" },
} as const;

/** One-off commands. */
export const RUN_COMMANDS: Command[] = [
  {
    name: "run",
    summary: "run a command in a new container of the live release",
    args: ["CMD…"],
    app: true,
    rest: true,
    options: NO_TTY,
    example: "teal run -a shop rake db:migrate",
    run: async (input) => (await run()).runAttached(input),
  },
  {
    name: "run:detached",
    summary: "the same with nobody attached; its output is in the logs",
    args: ["CMD…"],
    app: true,
    rest: true,
    example: "teal run:detached -a shop node import.js",
    run: async (input) => (await run()).runDetached(input),
  },
  {
    name: "cron",
    summary: "what runs by the clock: when next, and how it went last",
    args: [],
    app: true,
    example: "teal cron -a shop",
    run: async (input) => (await import("./cron.ts")).listCron(input),
  },
  {
    name: "enter",
    summary: "run a command, or a shell, in a running instance",
    args: ["INSTANCE", "[CMD…]"],
    app: true,
    rest: true,
    options: NO_TTY,
    example: "teal enter -a shop web.1",
    run: async (input) => (await run()).enter(input),
  },
];
