import { describeCheck, type HealthCheck } from "./checks.ts";
import type { Release } from "./types.ts";

type Checked = Pick<Release, "processes" | "checks" | "check" | "port">;

const WHEN: Record<HealthCheck["type"], string> = {
  startup: "before it serves",
  readiness: "before it serves, and while it runs",
  liveness: "while it runs",
};

/** One thing that instances of a process type are asked. */
export interface CheckRow {
  process: string;
  type: HealthCheck["type"];
  check: string;
  when: string;
  /** null: as often as the deploy's time allows. */
  attempts: number | null;
  timeoutMs: number | null;
  waitMs: number | null;
  warn: boolean;
}

/** All that the instances of a release are asked, and when. */
export function checkRows(release: Checked): CheckRow[] {
  return Object.keys(release.processes).flatMap((process) => {
    const checks = release.checks?.[process] ?? [];
    const own = checks.map((check) => rowOf(process, check, release.port));
    const gates = checks.some(({ type }) => type !== "liveness");
    return process === "web" && !gates ? [webRow(release), ...own] : own;
  });
}

function rowOf(process: string, check: HealthCheck, port: number): CheckRow {
  const { type, attempts, timeoutMs, waitMs, warn = false } = check;
  const described = describeCheck(check, port);
  return {
    ...{ process, type, attempts, timeoutMs, waitMs, warn },
    check: described,
    when: WHEN[type],
  };
}

/** What `web` is asked when app.json says nothing else. */
function webRow({ check, port }: Checked): CheckRow {
  return {
    process: "web",
    type: "startup",
    check: check
      ? `GET ${check.path} on port ${port}`
      : `${describeCheck(undefined, port)}, any status below 500`,
    when: WHEN.startup,
    attempts: null,
    timeoutMs: check?.timeoutMs ?? null,
    waitMs: null,
    warn: false,
  };
}
