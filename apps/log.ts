import { pino, type Logger } from "pino";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

/** The platform's own log: JSON lines on standard output, kept by the supervisor. */
export function createLog(name: string): Log {
  return pino({
    name,
    level: process.env["TEAL_LOG_LEVEL"] || "info",
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
