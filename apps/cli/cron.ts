import type { CronJob, CronRun } from "../cron.ts";
import type { Input } from "./command.ts";
import { ago, type Cell } from "./output.ts";

type Job = CronJob & { next: number | null; last: CronRun | null };

export async function listCron({ app: appOf, client, out }: Input): Promise<void> {
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/cron`;
  const { jobs } = await (await client()).get<{ jobs: Job[] }>(path);
  if (out.json) return out.value(jobs);
  if (jobs.length === 0) return out.line(`${app} runs nothing by the clock: app.json says what.`);
  const rows = jobs.map((job): Cell[] => [
    job.schedule,
    job.next === null ? "not for now" : new Date(job.next).toISOString().slice(0, 16),
    job.concurrency,
    lastCell(job.last),
    job.command,
  ]);
  out.table(["SCHEDULE", "NEXT (UTC)", "OVERLAP", "LAST", "COMMAND"], rows);
}

function lastCell(last: CronRun | null): Cell {
  if (!last) return "-";
  const { state, run, exit, why, due } = last;
  const how = [
    state,
    ...(exit ? [`status ${exit}`] : []),
    ...(why ? [why] : []),
    ...(run ? [`run.${run}`] : []),
  ];
  const text = `${how.join(", ")}, ${ago(due)}`;
  return state === "failed" || state === "missed" ? { text, paint: "red" } : text;
}
