import type { Collected } from "../errands.ts";
import type { Input } from "./command.ts";
import type { Cell } from "./output.ts";

interface Answer {
  id: string;
  report: Collected | null;
}

/** Collects garbage, or says what would go. */
export async function collectGarbage({ options, client, out }: Input): Promise<void> {
  const api = await client();
  const dryRun = options["dry-run"] === true;
  const { id, ...first } = await api.post<Answer>("/gc", { dryRun });
  let { report } = first;
  while (report === null) ({ report } = await api.get<Answer>(`/gc/${encodeURIComponent(id)}`));
  if (report.failed.length > 0) process.exitCode = 1;
  if (out.json) return out.value(report);
  const rows = report.removed.map((one): Cell[] => [
    one.kind,
    one.bytes > 0 ? size(one.bytes) : "-",
    one.name.startsWith("sha256:") ? one.name.slice(0, 19) : one.name,
    one.why,
  ]);
  if (rows.length > 0) out.table(["WHAT", "SIZE", "NAME", "WHY"], rows);
  for (const line of report.failed) out.note(`Not removed: ${line}`);
  const { images, imageBytes, cacheBytes } = report.kept;
  const verb = dryRun ? "would go" : "went";
  out.line(
    `${rows.length} things ${verb}; ${images} images stay (${size(imageBytes)}, layers counted for each); the engine's build cache holds ${size(cacheBytes)}; ${size(report.freeAfter)} of disk are free.`,
  );
}

function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
