import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./child.ts";
import { childEnvironment, readPlatform } from "./environment.ts";
import { installPackages, missingTestPackages } from "./packages.ts";
import type { Progress } from "./progress.ts";
import { createTapReader, type TapSummary } from "./tap.ts";
import { prepareBase, prepareMachine } from "./up.ts";

interface Options {
  root: string;
  /** `--unit`, `--integration`, and what ava is given. */
  args: readonly string[];
  progress: Progress;
}

interface Sum {
  passed: number;
  failed: number;
}

/** Programs that look at the code; each counts as one test. */
const TOOLS: [title: string, command: string, ...args: string[]][] = [
  ["types (tsc)", "tsc", "--noEmit", "-p", "."],
  ["types of the dashboard's scripts (tsc)", "tsc", "--noEmit", "-p", "apps/dashboard/static"],
  ["rules (oxlint)", "oxlint", "--deny-warnings"],
  ["format (oxfmt)", "oxfmt", "--check"],
  ["unused code (knip)", "knip"],
];
const UNIT = ["tests/unit/**/*.test.ts", "tests/advisories/**/*.test.ts"];
const INTEGRATION = ["tests/integration/*.test.ts"];
/** What takes from all that runs beside it, such as memory from every build. */
const ALONE = ["tests/integration/alone/*.test.ts"];
/** A test run that takes longer is ended, so that the sum is always printed. */
const RUN_MS = 30 * 60_000;
/** Of the integration tests; their own tests run one after the other. */
const FILES_AT_ONCE = "2";
/** ava ends when no test reports for so long. */
const SILENCE = "5m";

/**
 * Installs what the tests need, then runs them: tools, unit tests, advisories, integration.
 * The last line printed is `N passed, N failed`.
 * @returns 0 when all passed
 */
export async function testAll({ root, args, progress }: Options): Promise<number> {
  const own = new Set<string>(args.filter((arg) => arg === "--unit" || arg === "--integration"));
  const forAva = args.filter((arg) => !own.has(arg));
  const all = own.size === 0;
  const chosen = forAva.length > 0 && all;
  const withUnit = all || own.has("--unit");
  const withIntegration = all || own.has("--integration");
  const sum: Sum = { passed: 0, failed: 0 };
  // The platform that may run here is none of the tests' business: no TEAL_* reaches them.
  const env = { ...childEnvironment(root), ...pick(["TEAL_BASE", "TEAL_CA_FILE", "CI"]) };
  const cache = await mkdtemp(join(tmpdir(), "teal-test-cache-"));
  // Tests start thousands of processes; each finds its code compiled.
  const forTests = { ...env, NODE_COMPILE_CACHE: cache };
  // What is there afterwards is of this run.
  const pictures = join(root, "artefacts");
  if (all && !chosen) await rm(pictures, { recursive: true, force: true });
  const runAva = async (title: string, ...ours: string[]): Promise<void> =>
    add(sum, await ava({ root, env: forTests, progress, title, args: [...ours, ...forAva] }));

  await counted(sum, progress, "what the tests need", async () =>
    prepare(root, progress, env, withIntegration),
  );
  if (chosen) {
    await runAva("tests");
  } else {
    for (const [title, command, ...rest] of withUnit ? TOOLS : []) {
      await counted(sum, progress, title, async () =>
        check(progress, title, command, rest, { env, root }),
      );
    }
    if (withUnit) await runAva("unit tests", ...UNIT);
    if (withIntegration)
      await runAva("integration tests", "--concurrency", FILES_AT_ONCE, ...INTEGRATION);
    // What ava is given beside may choose none of these, and that would be a failure.
    if (withIntegration && forAva.length === 0)
      await runAva("tests that run alone", "--concurrency", "1", ...ALONE);
  }
  await rm(cache, { recursive: true, force: true });
  const kept = await readdir(pictures).catch(() => []);
  if (kept.length > 0) progress.line(`Pictures of the dashboard: ${kept.length} in ${pictures}`);
  progress.line(`${sum.passed} passed, ${sum.failed} failed`);
  return sum.failed === 0 ? 0 : 1;
}

function pick(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value ? [[name, value]] : [];
    }),
  );
}

function add(sum: Sum, more: Sum): void {
  sum.passed += more.passed;
  sum.failed += more.failed;
}

/** Runs a check that passes unless it throws, and counts it. */
async function counted(
  sum: Sum,
  progress: Progress,
  title: string,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
    sum.passed += 1;
  } catch (error) {
    sum.failed += 1;
    progress.line(`✗ ${title}: ${(error as Error).message}`);
  }
}

/** The machine's packages, the engine and the base image; in a throwaway home. */
async function prepare(
  root: string,
  progress: Progress,
  env: Record<string, string>,
  withBase: boolean,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "teal-test-"));
  try {
    const platform = await readPlatform(root, { ...env, TEAL_HOME: home });
    await prepareMachine(platform, progress);
    const missing = await missingTestPackages(env["PATH"] as string);
    const logFile = join(home, "apt.log");
    if (missing.length > 0) await installPackages(missing, { env, progress, logFile });
    if (withBase && !(await prepareBase(platform, progress))) throw new Error("no base image");
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function check(
  progress: Progress,
  title: string,
  command: string,
  args: readonly string[],
  { env, root }: { env: Record<string, string>; root: string },
): Promise<void> {
  await progress.step(title, async (note) => {
    const lines: string[] = [];
    const onLine = (line: string): void => {
      lines.push(line);
      note(line);
    };
    const { code } = await run(command, args, { env, cwd: root, onLine });
    if (code === 0) return;
    for (const line of lines.slice(-200)) progress.line(`    ${line}`);
    throw new Error(`${command} ended with status ${code}`);
  });
}

interface AvaOptions {
  root: string;
  env: Record<string, string>;
  progress: Progress;
  title: string;
  args: readonly string[];
}

/** One run of ava. A run that ends badly without a failed test counts as one failure. */
async function ava({ root, env, progress, title, args }: AvaOptions): Promise<Sum> {
  let summary: TapSummary | null = null;
  let ended: { code: number; tail: string[] } = { code: 1, tail: [] };
  await progress.step(title, async (note) => {
    let done = 0;
    const reader = createTapReader((test, ok) => {
      done += 1;
      if (!ok) progress.line(`✗ ${test}`);
      note(`${done} done; ${test}`);
    });
    ended = await run("ava", ["--tap", "--timeout", SILENCE, ...args], {
      env,
      cwd: root,
      onLine: reader.line,
      signal: AbortSignal.timeout(RUN_MS),
    });
    summary = reader.summary();
  });
  return sumUp(summary, ended, title, progress);
}

function sumUp(
  summary: TapSummary | null,
  { code, tail }: { code: number; tail: string[] },
  title: string,
  progress: Progress,
): Sum {
  const { passed, skipped, failures } = summary ?? { passed: 0, skipped: 0, failures: [] };
  for (const failure of failures) {
    progress.line(["", `FAILED  ${failure.title}`, ...failure.lines].join("\n"));
  }
  if (skipped > 0) progress.line(`  ${skipped} skipped in ${title}`);
  // The plan is the last that ava writes.
  const whole = (summary?.planned ?? null) !== null;
  if (whole && (code === 0 || failures.length > 0)) return { passed, failed: failures.length };
  const how = whole ? `with status ${code}` : `before its last test, with status ${code}`;
  progress.line([`✗ ${title}: ava ended ${how}:`, ...tail].join("\n"));
  return { passed, failed: failures.length + 1 };
}
