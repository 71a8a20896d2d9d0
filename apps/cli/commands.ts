import type { Command } from "./command.ts";
import { ACCESS_COMMANDS } from "./commands-access.ts";
import { APP_COMMANDS } from "./commands-apps.ts";
import { SELF_COMMANDS } from "./commands-self.ts";
import { OUTSIDE_COMMANDS } from "./commands-outside.ts";
import { CERT_COMMANDS } from "./commands-certs.ts";
import { BUILD_COMMANDS } from "./commands-build.ts";
import { RUN_COMMANDS } from "./commands-run.ts";
import { STORAGE_COMMANDS } from "./commands-storage.ts";
import { LIFE_COMMANDS } from "./commands-life.ts";
import { DOCTOR_COMMANDS } from "./commands-doctor.ts";
import { GUARD_COMMANDS } from "./commands-guard.ts";
import { ROUTING_COMMANDS } from "./commands-routing.ts";

/** Every command: what help says about it, and what runs it. Implementations load when they run. */
export const COMMANDS: Command[] = [
  ...APP_COMMANDS,
  ...LIFE_COMMANDS,
  ...CERT_COMMANDS,
  ...RUN_COMMANDS,
  ...STORAGE_COMMANDS,
  ...ROUTING_COMMANDS,
  ...BUILD_COMMANDS,
  ...GUARD_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...OUTSIDE_COMMANDS,
  ...ACCESS_COMMANDS,
  ...SELF_COMMANDS,
  {
    name: "help",
    summary: "all commands, or one",
    args: ["[COMMAND]"],
    options: { man: { type: "boolean", help: "print the manual page" } },
    example: "teal help rollback",
    run: async (input) => (await import("./help.ts")).help(input, COMMANDS),
  },
  {
    name: "completion",
    summary: "what bash, zsh or fish reads to complete commands",
    args: ["SHELL"],
    example: "teal completion bash",
    run: async (input) => (await import("./completion.ts")).completion(input, COMMANDS),
  },
  {
    name: "version",
    summary: "the version of this command line",
    args: [],
    example: "teal version",
    run: async (input) => (await import("./help.ts")).version(input),
  },
  launcher("up", "install what is missing and start the platform"),
  launcher("down", "stop the platform; apps' data stays"),
  launcher("status", "what runs"),
  launcher("router:reload", "replace the routers one after the other, without a lost request"),
  launcher("demo", "deploy a sample under load, roll back, print what was measured"),
  launcher("test", "install what the tests need and run them"),
];

function launcher(name: string, summary: string): Command {
  return { name, summary, args: [], example: `./teal ${name}` };
}
