import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { createRedisStore } from "../../store-redis.ts";
import { createApiClient, type ApiClient } from "./api-client.ts";
import { run } from "./child.ts";
import type { Platform } from "./environment.ts";
import { PlatformError } from "./failure.ts";
import { startLoad, type Load, type LoadReport } from "./load.ts";
import { indent } from "./packages.ts";
import { localHost } from "./ports.ts";
import { duration, type Progress } from "./progress.ts";
import { askRedis } from "./ready.ts";

/** What the demo measured. Times in ms. */
export interface DemoFigures {
  app: string;
  url: string;
  routers: number;
  /** `toLiveMs`: from the start of `git push` to the first answer of what was pushed. */
  firstPush: { toLiveMs: number };
  secondPush: { toLiveMs: number; swapMs: number | null; holdMs: number | null };
  /** `toLiveMs`: from the API call to the first answer of the old version to a request begun after it. */
  rollback: { toLiveMs: number; swapMs: number | null; holdMs: number | null };
  requests: {
    total: number;
    lost: number;
    perSecond: number;
    byVersion: { version: string; colour: string; served: number }[];
    latencyMs: LoadReport["latency"];
    problems: Record<string, number>;
  };
}

interface Context {
  platform: Platform;
  api: ApiClient;
  progress: Progress;
  app: string;
  /** The git repository that is pushed from. */
  repository: string;
}

const FIRST_PUSH_MS = 10 * 60_000;
const LIVE_MS = 2 * 60_000;
const CONNECTIONS = 16;
const PAUSE_MS = 5;
/** Load before the first change and after the last one. */
const STEADY_MS = 1500;
const FIXTURE = ["tests", "fixtures", "apps", "hello-koa"];
const MADE_BY_DEMO = "demo-apps.json";

/**
 * The main job on real input: pushes an app over git, pushes a second version and rolls it back
 * while a load client counts, and tells what was measured. The app is left running.
 * @throws PlatformError when something does not go live
 */
export async function demo(
  platform: Platform,
  { progress, app }: { progress: Progress; app: string },
): Promise<DemoFigures> {
  const api = await createApiClient(platform);
  await claimName(platform, api, app);
  const repository = await mkdtemp(join(tmpdir(), "teal-demo-"));
  try {
    const context = { platform, api, progress, app, repository };
    return await measure(context);
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
}

async function measure(context: Context): Promise<DemoFigures> {
  const { platform, api, progress, app, repository } = context;
  const stamp = Math.floor(Date.now() / 1000).toString(36);
  const [one, two] = [`${stamp}-1`, `${stamp}-2`];
  await cp(join(platform.root, ...FIXTURE), repository, { recursive: true });
  await git(context, "init", "--quiet", "--initial-branch=main");

  const load = (): Load => openLoad(context, [one, two]);
  const firstPush = await progress.step(`Pushing ${app}, version 1`, async (note) => {
    const probe = load();
    try {
      return await push(context, probe, one, note);
    } finally {
      await probe.stop();
    }
  });
  const before = await api.getApp(app);

  const client = load();
  try {
    await sleepBetween();
    const second = await progress.step("Pushing version 2 under load", async (note) =>
      push(context, client, two, note),
    );
    const between = await api.getApp(app);
    await sleepBetween();
    const back = await progress.step("Rolling back under load", async () =>
      rollBack(context, client, one),
    );
    await sleepBetween();
    const report = await client.stop();
    return {
      app,
      url: before?.url ?? "",
      routers: platform.settings.routers,
      firstPush: { toLiveMs: firstPush.toLiveMs },
      secondPush: { toLiveMs: second.toLiveMs, ...(await swapTimes(platform, second.deploy)) },
      rollback: { toLiveMs: back.toLiveMs, ...(await swapTimes(platform, back.deploy)) },
      requests: {
        total: report.requests,
        lost: report.lost,
        perSecond: Math.round(report.requests / report.seconds),
        byVersion: [
          { version: one, colour: before?.live?.colour ?? "?", served: report.byVersion[one] ?? 0 },
          {
            version: two,
            colour: between?.live?.colour ?? "?",
            served: report.byVersion[two] ?? 0,
          },
        ],
        latencyMs: report.latency,
        problems: report.problems,
      },
    };
  } finally {
    await client.stop();
  }
}

async function sleepBetween(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, STEADY_MS));
}

/** An app that was not made by a demo is somebody's own: it is not pushed over. */
async function claimName({ settings }: Platform, api: ApiClient, app: string): Promise<void> {
  const file = join(settings.home, MADE_BY_DEMO);
  const text = await readFile(file, "utf8").catch(() => "[]");
  const made = z.array(z.string()).catch([]).parse(JSON.parse(text));
  if (made.includes(app)) return;
  if (await api.getApp(app)) {
    throw new PlatformError(
      `There is an app named ${app}, and it was not made by a demo. Choose another name: teal demo --app NAME`,
    );
  }
  await writeFile(file, JSON.stringify([...made, app]), { mode: 0o600 });
}

function openLoad({ platform: { settings }, app }: Context, versions: string[]): Load {
  return startLoad({
    host: localHost(settings),
    port: settings.routerPort,
    hostHeader: `${app}.${settings.domain}`,
    connections: CONNECTIONS,
    pauseMs: PAUSE_MS,
    versionOf: (body) => versions.find((version) => body.includes(version)) ?? null,
    maxMs: FIRST_PUSH_MS,
  });
}

interface Gone {
  toLiveMs: number;
  deploy: string;
}

async function push(
  context: Context,
  load: Load,
  version: string,
  note: (text: string) => void,
): Promise<Gone> {
  const { api, app, repository } = context;
  await writeFile(join(repository, "version.txt"), `${version}\n`);
  await git(context, "add", "--all");
  await git(context, "commit", "--quiet", "--message", `Version ${version}`);
  const since = performance.now();
  const seen = load.firstAnswer(version, since, FIRST_PUSH_MS);
  const url = `${api.url}/git/${app}.git`;
  const { code, tail } = await run("git", ["push", "--force", url, "HEAD:refs/heads/main"], {
    env: gitEnvironment(context),
    cwd: repository,
    onLine: (line) => note(line.replace(/^remote: /, "")),
  });
  if (code !== 0) throw new PlatformError(`git push failed:\n${indent(tail)}`);
  const deploy = (await api.getApp(app))?.lastDeploy?.id ?? "";
  await api.waitUntilLive(deploy, LIVE_MS);
  return { toLiveMs: elapsed(since, await within(seen, LIVE_MS), version), deploy };
}

async function rollBack({ api, app }: Context, load: Load, version: string): Promise<Gone> {
  const since = performance.now();
  const seen = load.firstAnswer(version, since, LIVE_MS);
  const { id } = await api.rollback(app);
  await api.waitUntilLive(id, LIVE_MS);
  return { toLiveMs: elapsed(since, await seen, version), deploy: id };
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  return Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}

function elapsed(since: number, seen: number | null, version: string): number {
  if (seen === null)
    throw new PlatformError(`The deploy is live, and no answer of version ${version} came.`);
  return Math.round((seen - since) * 10) / 10;
}

async function git(context: Context, ...args: string[]): Promise<void> {
  const env = gitEnvironment(context);
  const { code, tail } = await run("git", args, { env, cwd: context.repository });
  if (code !== 0) throw new PlatformError(`git ${args[0]} failed:\n${indent(tail)}`);
}

/** The token travels in the environment: neither the address nor a file has it. */
function gitEnvironment({ platform: { env }, api, repository }: Context): Record<string, string> {
  const who = { NAME: "Teal demo", EMAIL: "demo@localhost" };
  return {
    PATH: env["PATH"] as string,
    HOME: repository,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: who.NAME,
    GIT_AUTHOR_EMAIL: who.EMAIL,
    GIT_COMMITTER_NAME: who.NAME,
    GIT_COMMITTER_EMAIL: who.EMAIL,
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${api.url}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${api.authorization}`,
  };
}

const swapped = z.object({ ms: z.number(), holdMs: z.number() });

/** What the deploy itself recorded of its swap. */
async function swapTimes(
  { settings }: Platform,
  deploy: string,
): Promise<{ swapMs: number | null; holdMs: number | null }> {
  const steps = await askRedis(settings, async (redis) => createRedisStore(redis).getSteps(deploy));
  const found = swapped.safeParse(steps?.["swapped"]).data;
  return { swapMs: found?.ms ?? null, holdMs: found?.holdMs ?? null };
}

/** The figures as a table. */
export function demoLines(figures: DemoFigures): string[] {
  const { firstPush, secondPush, rollback, requests } = figures;
  const ms = (value: number | null): string => (value === null ? "not recorded" : `${value} ms`);
  const rows: [string, string][] = [
    ["push to live, the first", duration(firstPush.toLiveMs / 1000)],
    ["push to live, a one-line change", duration(secondPush.toLiveMs / 1000)],
    ["  of that, the swap", `${ms(secondPush.swapMs)}, requests held ${ms(secondPush.holdMs)}`],
    ["rollback, call to first answer", ms(rollback.toLiveMs)],
    ["  of that, the swap", `${ms(rollback.swapMs)}, requests held ${ms(rollback.holdMs)}`],
    [
      "requests sent",
      `${requests.total} (${requests.perSecond} a second, ${figures.routers} router processes)`,
    ],
    ...requests.byVersion.map(({ version, colour, served }): [string, string] => [
      `  served by ${colour} (${version})`,
      String(served),
    ]),
    ["requests lost", String(requests.lost)],
    ...Object.entries(requests.problems).map(([why, count]): [string, string] => [
      `  ${why}`,
      String(count),
    ]),
    [
      "latency p50 / p99 / max",
      `${requests.latencyMs.p50} / ${requests.latencyMs.p99} / ${requests.latencyMs.max} ms`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    "",
    `The app runs on: ${figures.url}`,
  ];
}
