/**
 * `npm run bench:dashboard [-- --part paint|build|idle]`: how soon a page with 50 apps and 1,000
 * releases is painted in Chromium, what the API answers within while a build runs, and what 50 idle
 * apps cost the worker that samples them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { createDeploys } from "../../apps/deploys.ts";
import { createSeries } from "../../apps/series.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { goLive, goWrong, pushOf } from "../support/api.ts";
import { signedIn, startBrowser } from "../support/browser.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";
import { hourOf } from "../support/seed.ts";
import { HEADER, row, series } from "./series.ts";

const APPS = 50;
const RELEASES = 20;
const { values } = parseArgs({ options: { part: { type: "string" } } });
const wants = (part: string) => values.part === undefined || values.part === part;

console.log(HEADER);
if (wants("paint")) await paint();
if (wants("build")) await whileBuilding();
if (wants("idle")) await idle();
process.exit(0);

/** Apps with their releases and an hour of traffic, on a platform whose workers do not run. */
async function paint(): Promise<void> {
  const platform = await startPlatform({ workers: 0 });
  const browser = await startBrowser();
  try {
    await seed(platform, true);
    const { page, faults } = await signedIn(browser, platform.apiUrl, platform.adminToken());
    for (const path of ["/", `/apps/${nameOf(7)}`, `/apps/${nameOf(7)}/releases`]) {
      const times: number[] = [];
      for (let run = 0; run < 15; run++) {
        const session = await page.context().newCDPSession(page);
        await session.send("Network.setCacheDisabled", { cacheDisabled: true });
        await page.goto(platform.apiUrl + path);
        times.push(
          await page.evaluate<number>(
            "new Promise((done) => new PerformanceObserver((list) => { const one = list.getEntriesByName('first-contentful-paint')[0]; if (one) done(one.startTime); }).observe({ type: 'paint', buffered: true }))",
          ),
        );
        await session.detach();
      }
      console.log(
        row(
          `first contentful paint of ${path.replace(nameOf(7), "APP")}, ms`,
          series(times),
          "< 1000",
        ),
      );
    }
    if (faults.length > 0) throw new Error(faults.join("; "));
  } finally {
    await browser.close();
    await platform.stop();
  }
}

/** A build that is done anew each time, and ten requests a second to each of the API's reading routes. */
async function whileBuilding(): Promise<void> {
  const platform = await startPlatform();
  const repo = createRepo("hello-koa", platform, "built");
  try {
    await seed(platform, false);
    await repo.init();
    await repo.push();
    const app = nameOf(7);
    const paths = [
      "/apps",
      `/apps/${app}`,
      `/apps/${app}/releases`,
      `/apps/${app}/deploys`,
      "/apps/built",
    ];
    const times = new Map(paths.map((path) => [path, [] as number[]]));
    let building = true;
    const ask = async (path: string) => {
      while (building) {
        const began = performance.now();
        const { status } = await platform.api("GET", path);
        if (status !== 200) throw new Error(`${path} answered ${status}`);
        times.get(path)?.push(performance.now() - began);
        await sleep(100);
      }
    };
    const build = async () => {
      const began = performance.now();
      try {
        for (let run = 0; run < 5; run++) await pushAnew(repo);
        return (performance.now() - began) / 1000;
      } finally {
        building = false;
      }
    };
    // Both are waited for, whichever fails: nobody asks a platform that has stopped.
    const [built, asked] = await Promise.allSettled([build(), Promise.all(paths.map(ask))]);
    if (built.status === "rejected") throw built.reason;
    if (asked.status === "rejected") throw asked.reason;
    const seconds = built.value;
    for (const [path, some] of times) {
      const name = `${path.replace(app, "APP")} while builds run, ms`;
      console.log(row(name, series(some), `p99 ${p99(some)}`));
    }
    const all = [...times.values()].flat();
    console.log(row("all of them, ms", series(all), `p99 ${p99(all)}, aim < 50`));
    console.log(`  ${all.length} answers in ${seconds.toFixed(0)} s, 5 builds without cache`);
  } finally {
    repo.remove();
    await platform.stop();
  }
}

/** A push whose build finds nothing in a cache. @throws with what the push said */
async function pushAnew(repo: ReturnType<typeof createRepo>): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(repo.dir, "package.json"), "utf8")) as object;
  const description = `not in any cache: ${Date.now()}`;
  const pushed = await repo.push({ "package.json": JSON.stringify({ ...manifest, description }) });
  if (pushed.status !== 0) throw new Error(pushed.text);
}

/** Real apps that nobody asks for anything, over a minute and a half. */
async function idle(): Promise<void> {
  const platform = await startPlatform({ env: { TEAL_LEASE: "10" } });
  try {
    for (let i = 0; i < APPS; i++) {
      const repo = createRepo("hello-plain", platform, nameOf(i));
      await repo.init();
      const pushed = await repo.push();
      if (pushed.status !== 0) throw new Error(pushed.text);
      repo.remove();
    }
    await sleep(15_000);
    const names = ["worker-1", "redis", "router-1", "web"];
    const before = names.map((name) => cpuSeconds(platform.pid(name)));
    const daemon = dockerd();
    const daemonBefore = cpuSeconds(daemon);
    await sleep(90_000);
    names.forEach((name, i) => {
      const used = cpuSeconds(platform.pid(name)) - (before[i] ?? 0);
      console.log(`  ${name} with ${APPS} idle apps: ${share(used)} % of a core`);
    });
    console.log(`  dockerd meanwhile: ${share(cpuSeconds(daemon) - daemonBefore)} % of a core`);
  } finally {
    await platform.stop();
  }
}

function p99(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return (sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0).toFixed(1);
}

function share(seconds: number): string {
  return ((seconds / 90) * 100).toFixed(1);
}

/** Processor time of a process so far, from /proc; a clock tick is 10 ms. */
function cpuSeconds(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function dockerd(): number | undefined {
  const file = ["/var/run/docker.pid", "/run/docker.pid"].find((one) => {
    try {
      return readFileSync(one, "utf8") !== "";
    } catch {
      return false;
    }
  });
  return file === undefined ? undefined : Number(readFileSync(file, "utf8"));
}

function nameOf(i: number): string {
  return `app-${String(i).padStart(2, "0")}`;
}

/** @param live with what a worker would find missing: only where none runs */
async function seed(platform: Platform, live: boolean): Promise<void> {
  const redis = new Redis({ path: join(platform.home, "redis.sock") });
  const store = createRedisStore(redis);
  const deploys = createDeploys({ store, queue: { wake: async () => {} } });
  const past = createSeries(redis);
  for (let i = 0; i < APPS; i++) {
    const name = nameOf(i);
    await store.createApp(name, "ann");
    for (let n = 1; n <= RELEASES; n++) {
      const commit = `${i}${n}`.replaceAll(/\D/g, "").padStart(7, "a");
      const asked = await deploys.push(pushOf(name, commit, `Change ${n}`));
      if (live) await goLive(store, name, asked);
      else await goWrong(store, name, "The build failed.");
    }
    if (!live) continue;
    const id = `teal-${name}-${RELEASES}-web-1`;
    for (const sample of hourOf(5 + i, "green", 30 * 60_000, id)) {
      await past.append(new Map([[name, sample]]));
    }
  }
  redis.disconnect();
}
