import { z } from "zod";
import { HANDOVERS, type ProcessRuntime, type Runtime, RUNTIME_RANGES } from "../apps/runtime.ts";

const within = (name: keyof typeof RUNTIME_RANGES) => {
  const [least, most] = RUNTIME_RANGES[name];
  return z.number().min(least).max(most);
};

/** MiB, or text such as `512M`, as for `limits:set`. */
const memory = z.union([within("memory").int(), z.string().transform(readMemory)], {
  error: "memory such as 512M or 2G was expected",
});

function readMemory(text: string, ctx: z.RefinementCtx): number {
  const [, number = "", unit = ""] = /^(\d{1,7})([MG])i?B?$/i.exec(text) ?? [];
  const mib = Number(number) * (unit.toUpperCase() === "G" ? 1024 : 1);
  if (number !== "" && within("memory").safeParse(mib).success) return mib;
  ctx.addIssue("not such memory");
  return z.NEVER;
}

/** What `formation` may say of a process type besides how many there are; the words are those of `limits:set`. */
export const runtimeShape = {
  memory: memory.optional(),
  cpus: within("cpus").optional(),
  pids: within("pids").int().optional(),
  "read-only": z.boolean().optional(),
  grace: within("grace").int().optional(),
  handover: z.enum(HANDOVERS).optional(),
};
const shape = z.object(runtimeShape);

/** The same, as releases keep it. */
export function runtimeIn(formation: Record<string, z.infer<typeof shape>>): {
  runtime?: Runtime;
} {
  const all = Object.entries(formation).flatMap(([process, told]) => {
    const { "read-only": readOnly, ...rest } = shape.parse(told);
    const fields = Object.entries({ ...rest, readOnly }).filter(([, value]) => value !== undefined);
    const runtime: ProcessRuntime = Object.fromEntries(fields);
    return fields.length > 0 ? [[process, runtime] as const] : [];
  });
  return all.length > 0 ? { runtime: Object.fromEntries(all) } : {};
}
