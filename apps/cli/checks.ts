import { checkRows } from "../check-rows.ts";
import type { AppView, ReleaseView } from "../views.ts";
import type { Input } from "./command.ts";
import type { Cell } from "./output.ts";
import { readReleaseNumber } from "./releases.ts";

/** What the instances of a release are asked, and when; without one, of the live release. */
export async function showChecks({ app: appOf, args, client, out }: Input): Promise<void> {
  const app = encodeURIComponent(await appOf());
  const api = await client();
  const n = args[0] === undefined ? null : readReleaseNumber(args[0], "checks");
  const release =
    n === null ? await live() : await api.get<ReleaseView>(`/apps/${app}/releases/${n}`);
  const rows = release ? checkRows(release) : [];
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
