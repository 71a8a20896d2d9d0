import { z } from "zod";
import { HANDOVERS, RUNTIME_RANGES } from "../runtime.ts";

const within = (name: keyof typeof RUNTIME_RANGES, about: string) => {
  const [least, most] = RUNTIME_RANGES[name];
  return z.number().min(least).max(most).describe(about);
};
/** What may be said of a process type. */
export const runtimeFields = {
  memory: within("memory", "MiB").int(),
  cpus: within("cpus", "processors; 0.5 is half of one"),
  pids: within("pids", "processes and threads").int(),
  readOnly: z.boolean().describe("nothing but /tmp can be written to"),
  time: within("time", "of release: how long each command of a deploy may take, in seconds").int(),
  grace: within("grace", "from SIGTERM to SIGKILL, in seconds").int(),
  handover: z
    .enum(HANDOVERS)
    .describe(
      "overlap: old and new run at once; exclusive: the old one stops first; drain: the old one ends its work for hours",
    ),
};

export const runtimeSchema = z.record(z.string(), z.object(runtimeFields).partial());
