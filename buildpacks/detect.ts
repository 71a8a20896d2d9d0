import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { dockerfile } from "./dockerfile.ts";
import { PlanError } from "./errors.ts";
import { node } from "./node.ts";
import type { Detector, Plan } from "./plan.ts";
import { openTree } from "./tree.ts";

/** In this order; the first match wins. */
const DETECTORS: readonly Detector[] = [dockerfile, node];

/**
 * How the tree under `dir` is built. Reads, and starts nothing.
 * @throws PlanError
 */
export async function detect(dir: string): Promise<Plan> {
  const tree = openTree(dir);
  const names = await tree.names();
  if (names.length === 0) throw new PlanError("empty-tree");
  for (const detector of DETECTORS) {
    const plan = await detector.plan(tree);
    if (plan) return plan;
  }
  throw await nothingDetected(dir, names);
}

async function nothingDetected(dir: string, names: string[]): Promise<PlanError> {
  const seen =
    names.slice(0, 10).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "");
  const expected = DETECTORS.map((detector) => detector.looksFor).join(" or ");
  const below = await oneLevelDown(dir);
  const hint = below
    ? `There is ${below}: push the folder that holds the app as the top of its own repository.`
    : "Commit one of them.";
  return new PlanError("nothing-detected", { expected: capital(expected), seen, hint });
}

async function oneLevelDown(dir: string): Promise<string | null> {
  const folders = (await readdir(dir, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  for (const { name } of folders.slice(0, 100)) {
    const inside = await readdir(join(dir, name));
    const found = ["Dockerfile", "package.json"].find((file) => inside.includes(file));
    if (found && name !== ".git") return `${name}/${found}`;
  }
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
