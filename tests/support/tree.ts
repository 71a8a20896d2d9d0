import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";

/** The repository's fixture apps. */
export const FIXTURES = new URL("../fixtures/apps/", import.meta.url).pathname;

/** A folder with these files (path to text), gone after the test. */
export async function makeTree(
  t: ExecutionContext,
  files: Record<string, string>,
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "teal-tree-"));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}

/** A package.json's text that can be planned, with these fields changed. */
export function packageJson(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    name: "a",
    version: "1.0.0",
    scripts: { start: "node server.js" },
    ...fields,
  });
}
