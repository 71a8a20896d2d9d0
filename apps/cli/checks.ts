import { describeCheck, type HealthCheck } from "../checks.ts";
import type { AppView, ReleaseView } from "../views.ts";
import type { Input } from "./command.ts";
import type { Cell } from "./output.ts";
import { readReleaseNumber } from "./releases.ts";

const WHEN: Record<HealthCheck["type"], string> = {
  startup: "before it serves",
  readiness: "before it serves, and while it runs",
  liveness: "while it runs",
};

/** What the instances of a release are asked, and when; without one, of the live release. */
export async function showChecks({ app: appOf, args, client, out }: Input): Promise<void> {
  const app = encodeURIComponent(await appOf());
  const api = await client();
  const n = args[0] === undefined ? null : readReleaseNumber(args[0], "checks");
  const release =
    n === null ? await live() : await api.get<ReleaseView>(`/apps/${app}/releases/${n}`);
  const rows = release ? rowsOf(release) : [];
  if (out.json) return out.value(rows);
  if (!release) return out.line("No release is live yet: push one.");
  out.table(
    ["PROCESS", "CHECK", "WHEN", "TRIES", "EACH WITHIN", "BETWEEN"],
    rows.map((row): Cell[] => [
      row.process,
      row.warn ? `${row.check} (only told)` : row.check,
      row.when,
      row.attempts === null ? "until the deploy's time is up" : String(row.attempts),
      row.timeoutMs === null ? "-" : `${row.timeoutMs / 1000} s`,
      row.waitMs === null ? "-" : `${row.waitMs / 1000} s`,
    ]),
  );

  async function live(): Promise<ReleaseView | null> {
    const { live: slot } = await api.get<AppView>(`/apps/${app}`);
    return slot && api.get<ReleaseView>(`/apps/${app}/releases/${slot.release}`);
  }
}

interface Row {
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

function rowsOf(release: ReleaseView): Row[] {
  return Object.keys(release.processes).flatMap((process) => {
    const checks = release.checks?.[process] ?? [];
    const own = checks.map((check) => rowOf(process, check, release.port));
    const gates = checks.some(({ type }) => type !== "liveness");
    return process === "web" && !gates ? [webRow(release), ...own] : own;
  });
}

function rowOf(process: string, check: HealthCheck, port: number): Row {
  const { type, attempts, timeoutMs, waitMs, warn = false } = check;
  const described = describeCheck(check, port);
  return {
    ...{ process, type, attempts, timeoutMs, waitMs, warn },
    check: described,
    when: WHEN[type],
  };
}

/** What `web` is asked when app.json says nothing else. */
function webRow({ check, port }: ReleaseView): Row {
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
