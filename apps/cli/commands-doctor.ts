import type { Command } from "./command.ts";

const doctor = () => import("./doctor.ts");

/** The commands that explain how an app is. */
export const DOCTOR_COMMANDS: Command[] = [
  {
    name: "doctor",
    summary: "what is wrong with an app, and what to do; in the clone without APP: this machine",
    args: ["[APP]"],
    app: true,
    example: "teal doctor -a shop",
    run: async (input) => (await doctor()).diagnose(input),
  },
  {
    name: "ps:inspect",
    summary: "what an instance is made of and uses right now; all without one",
    args: ["[web.1]"],
    app: true,
    example: "teal ps:inspect web.1 -a shop",
    run: async (input) => (await doctor()).inspect(input),
  },
  {
    name: "metrics",
    summary: "the last hour in figures: requests, errors, latency, processor and memory by colour",
    args: [],
    app: true,
    example: "teal metrics -a shop",
    run: async (input) => (await import("./metrics.ts")).showMetrics(input),
  },
];
