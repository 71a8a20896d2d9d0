import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { classic, planClassic, unusedBuildpacks } from "./classic.ts";
import { deno } from "./deno.ts";
import { dockerfile, planDockerfile } from "./dockerfile.ts";
import { dotnet } from "./dotnet.ts";
import { elixir } from "./elixir.ts";
import { PlanError } from "./errors.ts";
import { go } from "./go.ts";
import { java } from "./java.ts";
import { MANIFESTS } from "./manifests.ts";
import { node } from "./node.ts";
import { php } from "./php.ts";
import type { Detector, Plan } from "./plan.ts";
import { python } from "./python.ts";
import { ruby } from "./ruby.ts";
import { rust } from "./rust.ts";
import { staticSite } from "./static.ts";
import { openTree, type Tree } from "./tree.ts";

/**
 * In this order; the first match wins. Node stands behind the languages whose apps often bring a
 * package.json for their style sheets.
 */
const DETECTORS: readonly Detector[] = [
  dockerfile,
  classic,
  ruby,
  php,
  python,
  elixir,
  go,
  java,
  rust,
  dotnet,
  deno,
  node,
  staticSite,
];

/** What somebody has said of an app, in place of what its tree says. */
export interface Choice {
  /** A Dockerfile by another name, from the top. */
  dockerfile?: string;
  /** Classic buildpacks, in their order. */
  buildpacks?: string[];
}

/**
 * How the tree under `dir` is built. Reads, and starts nothing.
 * @throws PlanError
 */
export async function detect(dir: string, choice: Choice = {}): Promise<Plan> {
  const tree = openTree(dir);
  const names = await tree.names();
  if (names.length === 0) throw new PlanError("empty-tree");
  if (choice.buildpacks) return checked(tree, await planClassic(tree, choice.buildpacks));
  const named = choice.dockerfile ? await planDockerfile(tree, choice.dockerfile) : null;
  const plan = named ?? (await firstMatch(tree));
  if (plan === null) throw await nothingDetected(dir, names);
  const warnings = [...plan.warnings, ...(await unusedBuildpacks(tree))];
  return checked(tree, { ...plan, warnings });
}

async function firstMatch(tree: Tree): Promise<Plan | null> {
  for (const detector of DETECTORS) {
    const plan = await detector.plan(tree);
    if (plan) return plan;
  }
  return null;
}

/** What is copied by name must be there, and within the tree. @throws PlanError points-outside, not-a-file */
async function checked(tree: Tree, plan: Plan): Promise<Plan> {
  if (plan.buildpack === "dockerfile") return plan;
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const files = new Set(steps.flatMap((step) => ("copy" in step ? step.copy : [])));
  for (const file of files) {
    if (!(await tree.isFolder(file))) await tree.read(file);
  }
  return plan;
}

async function nothingDetected(dir: string, names: string[]): Promise<PlanError> {
  const seen =
    names.slice(0, 10).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "");
  const looked = DETECTORS.map((detector) => detector.looksFor);
  const expected = `${looked.slice(0, -1).join(", ")} or ${looked.at(-1)}`;
  const below = await furtherDown(dir);
  const hint = below
    ? `There is ${below.join("/")}: 'teal build:set root=${below.slice(0, -1).join("/")}' builds that folder.`
    : "Commit one of them.";
  return new PlanError("nothing-detected", { expected: capital(expected), seen, hint });
}

const NO_APPS = [".git", "node_modules", "vendor"];
/** Most folders that are looked into. */
const LOOKED_AT = 150;

/** Path of the first manifest one or two folders down; null when there is none near. */
async function furtherDown(dir: string): Promise<string[] | null> {
  const next: string[][] = [[]];
  let looked = 0;
  for (let at = next.shift(); at !== undefined && looked++ < LOOKED_AT; at = next.shift()) {
    const entries = await readdir(join(dir, ...at), { withFileTypes: true });
    const names = entries.map(({ name }) => name);
    const found = at.length > 0 && MANIFESTS.find((file) => names.includes(file));
    if (found) return [...at, found];
    if (at.length === 2) continue;
    const folders = entries.filter((one) => one.isDirectory() && !NO_APPS.includes(one.name));
    const sorted = folders.map(({ name }) => name).toSorted();
    next.push(...sorted.map((name) => [...at, name]));
  }
  return null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
