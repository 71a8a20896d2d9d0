import type { Command } from "./command.ts";

import { NO_FOLLOW } from "./commands-life.ts";

const guard = () => import("./guard.ts");
const handover = () => import("./handover.ts");
const limits = () => import("./limits.ts");

/** The commands for what keeps a running release honest. */
export const GUARD_COMMANDS: Command[] = [
  {
    name: "checks",
    summary: "what instances are asked before they serve, and while they run",
    args: ["[vN]"],
    app: true,
    example: "teal checks -a shop",
    run: async (input) => (await import("./checks.ts")).showChecks(input),
  },
  {
    name: "guard",
    summary: "what the guard allows after a swap, and what it found last",
    args: [],
    app: true,
    example: "teal guard -a shop",
    run: async (input) => (await guard()).showGuard(input),
  },
  {
    name: "guard:set",
    summary: "window, errors, slow, crashes, requests; nothing behind the = is the default again",
    args: ["NAME=VALUE…"],
    app: true,
    example: "teal guard:set -a shop window=60 errors=10",
    run: async (input) => (await guard()).setGuard(input),
  },
  {
    name: "guard:on",
    summary: "swap back by itself when a new release does worse",
    args: [],
    app: true,
    example: "teal guard:on -a shop",
    run: async (input) => (await guard()).switchGuard(input, true),
  },
  {
    name: "guard:off",
    summary: "leave a new release live whatever it does",
    args: [],
    app: true,
    example: "teal guard:off -a shop",
    run: async (input) => (await guard()).switchGuard(input, false),
  },
  {
    name: "limits",
    summary: "what instances may take up, and how long they have to stop",
    args: [],
    app: true,
    example: "teal limits -a shop",
    run: async (input) => (await limits()).showLimits(input),
  },
  {
    name: "limits:set",
    summary:
      "memory, cpus, pids, read-only, grace by process type; nothing behind the = is the default",
    args: ["TYPE.LIMIT=VALUE…"],
    app: true,
    options: NO_FOLLOW,
    example: "teal limits:set -a shop web.memory=512M web.cpus=0.5 worker.grace=60",
    run: async (input) => (await limits()).setLimits(input),
  },
  {
    name: "ps:handover",
    summary:
      "overlap, exclusive (the old one stops first) or drain (it ends its work) by process type",
    args: ["[TYPE=HOW…]"],
    app: true,
    options: NO_FOLLOW,
    example: "teal ps:handover -a shop worker=exclusive",
    run: async (input) => (await handover()).handOver(input),
  },
  {
    name: "ps:crashes",
    summary: "instances that ended by themselves or hung, and why",
    args: [],
    app: true,
    example: "teal ps:crashes -a shop",
    run: async (input) => (await guard()).listCrashes(input),
  },
];
