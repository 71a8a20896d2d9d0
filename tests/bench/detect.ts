import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { detect } from "../../buildpacks/detect.ts";
import { PlanError } from "../../buildpacks/errors.ts";

/** How long it takes to plan trees of 10,000 files: one that is an app, and one that is nothing. */
const FILES = 10_000;
const RUNS = 30;

const dir = mkdtempSync(join(tmpdir(), "teal-detect-"));
try {
  for (let n = 0; n < FILES - 1; n++) {
    const folder = join(dir, `folder-${n % 100}`, `part-${n % 7}`);
    if (n < 700) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${n}.txt`), "text\n");
  }
  writeFileSync(join(dir, "README.md"), "nothing to build\n");
  await report("nothing detected");
  writeFileSync(join(dir, "index.html"), "<title>Last of all detectors</title>");
  await report("detected by the last detector");
  writeFileSync(join(dir, "package.json"), '{"scripts": {"start": "node server.js"}}');
  await report("a Node app");
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function report(what: string): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const began = performance.now();
    await detect(dir).catch((error: unknown) => {
      if (!(error instanceof PlanError)) throw error;
    });
    times.push(performance.now() - began);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (RUNS - 1))] ?? 0).toFixed(1);
  console.log(
    `${what}: first ${(times[0] ?? 0).toFixed(1)} ms, median ${at(0.5)} ms, slowest ${at(1)} ms (aim: under 50 ms, ${FILES} files)`,
  );
}
