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
];
