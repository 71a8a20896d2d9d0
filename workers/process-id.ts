import { readFileSync } from "node:fs";

/** Names this process for good: a pid is used again, together with the time of its start it is not. */
export function processId(): string {
  return `${process.pid}-${startOf(process.pid) ?? 0}`;
}

/** Does the process of this machine that is named so still run? */
export function isAlive(id: string): boolean {
  const [pid, start] = id.split("-").map(Number);
  return pid !== undefined && startOf(pid) === start;
}

/** In ticks since the machine started. */
function startOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field, the program's name in parentheses, may hold anything.
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return null;
  }
}
