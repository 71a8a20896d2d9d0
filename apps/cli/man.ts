import type { Command } from "./command.ts";
import { optionsOf } from "./help.ts";

/** The manual page, made from the table of commands. */
export function manPage(commands: Command[]): string {
  return [
    '.TH TEAL 1 "" "teal" "User commands"',
    ".SH NAME",
    "teal \\- blue/green deployments by git push",
    ".SH SYNOPSIS",
    ".B teal",
    "COMMAND [\\fB\\-\\-app\\fR APP] [\\fB\\-\\-json\\fR] [\\fB\\-\\-context\\fR NAME]",
    ".SH DESCRIPTION",
    "The commands of a Teal platform, on this machine or another. Without \\fB\\-\\-app\\fR the git",
    "remote \\(lqdeploy\\(rq of the current folder names the app. Every command prints JSON with",
    "\\fB\\-\\-json\\fR. The same commands work as \\fBssh \\-p 2222 teal@HOST COMMAND\\fR.",
    ".SH COMMANDS",
    ...commands.filter((one) => one.run).flatMap(entry),
    ".SH THE PLATFORM ON THIS MACHINE, FROM ITS CLONE",
    ...commands.filter((one) => !one.run).flatMap(entry),
    ".SH ENVIRONMENT",
    ...term("TEAL_CONTEXT", "The context of \\fBteal login\\fR to speak to."),
    ...term("TEAL_URL, TEAL_TOKEN", "Another platform, and a token of it."),
    ...term("NO_COLOR", "When set, nothing is coloured."),
    ".SH FILES",
    ...term(
      "$XDG_CONFIG_HOME/teal/contexts.json",
      "Where one is signed in; only its owner can read it.",
    ),
    ".SH EXIT STATUS",
    "0 done, 1 failed, 2 wrong usage, 3 not allowed, 4 not found, 5 conflict.",
    "",
  ].join("\n");
}

function entry(command: Command): string[] {
  const { name, args, summary, example } = command;
  const options = Object.entries(optionsOf(command))
    .filter(([option]) => !EVERYWHERE.includes(option))
    .flatMap(([option, { short, value, help }]) => {
      const flag = `${short ? `-${short}, ` : ""}--${option}${value ? ` ${value}` : ""}`;
      return [".RS", ...term(flag, roff(help)), ".RE"];
    });
  const heading = [`\\fB${roff(name)}\\fR`, ...args.map(roff)].join(" ");
  return [
    ".TP",
    heading,
    `${roff(summary)}.`,
    ...options,
    ".RS",
    `Example: ${roff(example)}`,
    ".RE",
  ];
}

const EVERYWHERE: readonly string[] = ["json", "help", "context"];

function term(name: string, text: string): string[] {
  return [".TP", `\\fB${roff(name)}\\fR`, text];
}

/** Dashes that can be copied; no line begins with a request. */
function roff(text: string): string {
  const safe = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("…", "...");
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}
