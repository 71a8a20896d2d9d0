/** A check of app.json. Just one of path, command, listening and uptime is set. Times are ms. */
export interface HealthCheck {
  /** startup and readiness: before an instance serves; liveness: from then on. */
  type: "startup" | "liveness" | "readiness";
  /** Answers with a status of 2xx. */
  path?: string;
  /** The beginning of the body holds this. */
  content?: string;
  headers?: Record<string, string>;
  /** Without one: the port that `web` listens on. */
  port?: number;
  /** Run inside the container; ends with status 0. */
  command?: string[];
  /** The port takes connections. */
  listening?: true;
  /** It has run for so long. */
  uptimeMs?: number;
  attempts: number;
  /** Of one try. */
  timeoutMs: number;
  /** Between tries. */
  waitMs: number;
  initialDelayMs: number;
  /** A failure is told and changes nothing. */
  warn?: true;
}

const COMMAND_CHARS = 100;

/** What a check looks at, as people read it: `GET /up on port 5000`. */
export function describeCheck(check: HealthCheck | undefined, webPort: number): string {
  const { command, uptimeMs, listening, path = "/", port = webPort } = check ?? {};
  if (command) return `running ${command.join(" ").slice(0, COMMAND_CHARS)}`;
  if (uptimeMs !== undefined) return `up for ${uptimeMs / 1000} s`;
  return listening ? `listening on port ${port}` : `GET ${path} on port ${port}`;
}
