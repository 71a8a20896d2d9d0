import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test from "ava";
import type { Deploy } from "../../apps/types.ts";
import { startCiRepo } from "../support/ci-repo.ts";
import { crawl } from "../support/crawl.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";
import {
  APP,
  giveSecrets,
  liveThroughAll,
  MARK,
  pull,
  secret,
  startReceiver,
} from "../support/secret-life.ts";
import {
  createSearch,
  overhearRedis,
  searchFiles,
  searchImages,
  searchRedis,
  watchProcesses,
} from "../support/secret-search.ts";

/** The one place besides: git is told the credential of what it fetches, and nobody else can read that. */
const FETCHES = /^environ of .* GIT_CONFIG_VALUE_\d+=Authorization: Basic Ym90O/;

/** Every list and page that an admin can ask for, without asking for values. */
async function readAll(platform: Platform) {
  const { api, apiUrl } = platform;
  const { paths } = (await api("GET", "/openapi.json")).body as {
    paths: Record<string, { get?: object }>;
  };
  const deploys = (await api("GET", `/apps/${APP}/deploys`)).body.deploys as Deploy[];
  const addresses = Object.entries(paths)
    .filter(([, { get }]) => get)
    .flatMap(([path]) => {
      const of = path
        .replace("{app}", APP)
        .replace("{release}", "1")
        .replace("{other}", "2")
        .replace("{n}", "1");
      return of.includes("{deploy}") ? deploys.map(({ id }) => of.replace("{deploy}", id)) : [of];
    })
    .filter((path) => !path.includes("{"));
  const headers = { authorization: `Bearer ${platform.adminToken()}` };
  const answers = crawl(
    addresses.map((path) => `/api/v1${path}`),
    { at: apiUrl, headers, leave: /./, most: 200 },
  );
  const signedIn = await fetch(`${apiUrl}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: apiUrl },
    body: new URLSearchParams({ token: platform.adminToken() }),
  });
  const cookie = (signedIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const leave = /^\/(?:static|api)|reveal|stream|events/;
  const pages = crawl(["/", `/apps/${APP}`], {
    at: apiUrl,
    headers: { cookie },
    leave,
    most: 150,
  });
  return { answers: await answers, pages: await pages };
}

test("a secret is in the environment of what runs, and nowhere else on the way", async (t) => {
  t.timeout(300_000);
  const env = { TEAL_ALLOW_PRIVATE_FETCH: "1", TEAL_DEPLOY_TIMEOUT: "3", TEAL_DRAIN: "1" };
  const platform = await startPlatform({ env });
  const ci = await startCiRepo({ password: `bot:${secret("git-token")}` });
  const receiver = await startReceiver();
  const repo = createRepo("hello-plain", platform, APP);
  const redis = join(platform.home, "redis.sock");
  const overheard = await overhearRedis(redis);
  const watched = watchProcesses(() =>
    ["web", "worker-1", "router-1", "redis"].flatMap((name) => platform.pid(name) ?? []),
  );
  t.teardown(async () => {
    overheard.stop();
    watched.stop();
    repo.remove();
    ci.stop();
    receiver.server.close();
    await platform.stop();
  });
  await repo.init();
  await platform.api("POST", "/apps", { name: APP });
  const { hook, made } = await giveSecrets(platform, receiver.url, ci.url);
  const find = createSearch({ mark: MARK, made });
  const told = {
    ...(await liveThroughAll(platform, repo, ci.dir, hook)),
    ...(await pull(platform)),
  };
  await until(20_000, async () => receiver.came.length > 10);
  const { answers, pages } = await readAll(platform);
  t.log(`${answers.length} answers, ${pages.length} pages, ${overheard.heard.length} commands`);
  t.true(answers.length > 30 && pages.length > 20 && overheard.heard.length > 1000);

  // What is looked for is there to be found: where it has to be.
  const containers = await containersOf(platform.namespace);
  const inspected = JSON.parse(
    execFileSync("docker", ["inspect", ...containers], { encoding: "utf8" }),
  ) as { Config: { Env: string[] } }[];
  for (const { Config } of inspected) t.true(Config.Env.includes(`SECRET=${secret("config")}`));
  const rest = inspected.map((one) => ({ ...one, Config: { ...one.Config, Env: [] } }));

  const found: string[] = [];
  for (const [what, said] of Object.entries(told)) found.push(...find(`told: ${what}`, said));
  for (const body of receiver.came) found.push(...find("a notification", body));
  for (const { path, text: said } of [...answers, ...pages]) found.push(...find(path, said));
  for (const line of overheard.heard) found.push(...find("a command to redis", line));
  const children = [...watched.said].flatMap(([what, said]) => find(what, said));
  found.push(...children.filter((one) => !FETCHES.test(one)));
  found.push(...find("containers besides their environment", JSON.stringify(rest)));
  const { stdout: tags } = {
    stdout: execFileSync("docker", ["images", "--format", "{{.Repository}}:{{.Tag}}"], {
      encoding: "utf8",
    }),
  };
  const ours = tags.split("\n").filter((tag) => tag.startsWith(`${platform.namespace}/`));
  t.true(ours.length > 1);
  // What the platform made for itself is no part of any image: what apps were given might be.
  const given = createSearch({ mark: MARK, made: {} });
  found.push(...(await searchImages(given, ours)));
  found.push(...(await searchRedis(find, redis)));
  found.push(...find("the platform's log", platform.platformLog()));
  const files = await searchFiles(find, platform.home);
  const itself = files.filter((one) => one.startsWith(join(platform.home, "admin-token")));
  t.is(itself.length, 1);
  found.push(...files.filter((one) => !itself.includes(one)));
  t.deepEqual(found, []);
});
