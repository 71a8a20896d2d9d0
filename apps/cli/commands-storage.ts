import type { Command } from "./command.ts";
import { NO_FOLLOW } from "./commands-life.ts";

const storage = () => import("./storage.ts");

/** What of an app outlives its containers. */
export const STORAGE_COMMANDS: Command[] = [
  {
    name: "storage",
    summary: "the app's volumes and host paths",
    args: [],
    app: true,
    example: "teal storage -a shop",
    run: async (input) => (await storage()).listStorage(input),
  },
  {
    name: "storage:add",
    summary: "mount a volume, or as an admin a host path; may two versions use it at once?",
    args: ["SOURCE:TARGET"],
    app: true,
    options: {
      overlap: { type: "string", value: "yes|no", help: "may two versions use it at once" },
      ps: { type: "string", value: "TYPE,…", help: "mounted in these process types alone" },
      ...NO_FOLLOW,
    },
    example: "teal storage:add data:/data --overlap yes -a shop",
    run: async (input) => (await storage()).addStorage(input),
  },
  {
    name: "storage:remove",
    summary: "mount a volume or host path no more; what is in it stays",
    args: ["SOURCE"],
    app: true,
    options: NO_FOLLOW,
    example: "teal storage:remove data -a shop",
    run: async (input) => (await storage()).removeStorage(input),
  },
];
