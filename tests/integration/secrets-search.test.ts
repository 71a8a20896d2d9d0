import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import type { Deploy } from "../../apps/types.ts";
import { createDocker } from "../../workers/engine/client.ts";
import { createIssuer } from "../support/certificates.ts";
import { startCiRepo } from "../support/ci-repo.ts";
import { crawl } from "../support/crawl.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { startRegistry } from "../support/registry.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import {
  createSearch,
  overhearRedis,
  searchFiles,
  searchImages,
  searchRedis,
  watchProcesses,
} from "../support/secret-search.ts";
import { createTeal } from "../support/teal-cli.ts";
import { deliver, type Hook, pushPayload } from "../support/webhook.ts";

const APP = "keeper";
const MARK = `m4rk${randomBytes(8).toString("hex")}`;
const secret = (name: string) => `${MARK}-${name}`;

/** Says its secret wherever an app can: at start, and, when told so, in the answer to its check. */
const SERVER = (healthy: boolean) => `
import { createServer } from "node:http";
const { SECRET, PORT } = process.env;
console.log("started with", SECRET);
console.error(JSON.stringify({ SECRET }));
createServer((request, response) => {
  ${healthy ? 'response.end("well")' : 'response.writeHead(500, { Location: "/?" + SECRET }).end("not well: " + SECRET)'};
}).listen(PORT);
process.on("SIGTERM", () => process.exit(0));
`;
const manifest = (build: string) =>
  JSON.stringify({
    name: "hello-plain",
    version: "1.0.0",
    private: true,
    type: "module",
    engines: { node: "24.x" },
    scripts: { start: "node server.js", build: `node -e "${build}"` },
  });
/** The one place besides: git is told the credential of what it fetches, and nobody else can read that. */
const FETCHES = /^environ of .* GIT_CONFIG_VALUE_\d+=Authorization: Basic Ym90O/;
const SAYS_IT = "console.log('read', process.env.SECRET)";
const FAILS = "console.error('no good:', process.env.SECRET); process.exit(1)";

/** Takes what it is sent, and answers some of it with a refusal that repeats it. */
async function startReceiver() {
  const came: string[] = [];
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      came.push(body);
      if (req.url?.startsWith("/bad")) res.writeHead(400).end(`no: ${req.url} ${body}`);
      else res.end("ok");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { came, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function ended({ api }: Platform, id: string): Promise<Deploy> {
  let deploy: Deploy | null = null;
  await until(90_000, async () => {
    deploy = (await api("GET", `/deploys/${id}`)).body as Deploy;
    return !["queued", "running"].includes(deploy.state);
  });
  return deploy as unknown as Deploy;
}

/** Every secret that the platform is given or makes, one of each kind. */
async function giveSecrets(platform: Platform, receiver: string, source: string) {
  const { api } = platform;
  const of = `/apps/${APP}`;
  const { teal } = createTeal(platform);
  const dotenv = `SECRET=${secret("config")}\nMANY="${secret("line-1")}\n${secret("line-2")}"\n`;
  const imported = await teal(["config:import", "-", "--no-restart", "-a", APP], dotenv);
  if (imported.code !== 0) throw new Error(imported.err);
  await teal(["build:env", "SECRET", "-a", APP]);
  const wishes: [string, object][] = [
    ["webhook", { kind: "webhook", url: `${receiver}/${secret("hook-url")}` }],
    ["slack", { kind: "slack", url: `${receiver}/bad/${secret("slack-url")}` }],
    ["matrix", { kind: "matrix", url: `${receiver}/m`, token: secret("matrix-token") }],
    [
      "email",
      {
        kind: "email",
        url: "smtp://127.0.0.1:9?from=a@example.com&to=b@example.com",
        token: `ann:${secret("mail")}`,
      },
    ],
  ];
  const made: Record<string, string> = { admin: platform.adminToken() };
  for (const [name, wish] of wishes) {
    const events = ["deploy.started", "deploy.live", "deploy.failed", "deploy.rolled-back"];
    const added = await api("POST", `${of}/notifications`, { ...wish, events });
    if (added.status !== 201) throw new Error(JSON.stringify(added));
    if (added.body.secret) made[name] = added.body.secret;
  }
  const { body } = await api("POST", `${of}/hooks`, {
    ...{ provider: "github", repo: source, token: `bot:${secret("git-token")}` },
  });
  const hook: Hook = { sender: body.hook, secret: body.secret, path: body.path };
  made["sender"] = body.secret;
  made["token"] = (
    await api("POST", "/tokens", { name: "ci", role: "deploy", apps: [APP] })
  ).body.secret;
  const invited = await api("POST", "/users", { name: "ann", role: "member" });
  made["invitation"] = invited.body.invitation;
  const pair = await (await createIssuer()).issue([`${APP}.localhost`]);
  const certified = await api("POST", `${of}/certs`, { certificate: pair.cert, key: pair.key });
  if (certified.status !== 201) throw new Error(JSON.stringify(certified));
  made["key"] = pair.key.split("\n")[1] ?? "";
  for (const [name, value] of Object.entries(made)) if (!value) throw new Error(`no ${name}`);
  return { hook, made };
}

/** All that an app's life has to it, good and bad; what people were told on the way. */
async function liveThroughAll(platform: Platform, repo: Repo, source: string, hook: Hook) {
  const { api } = platform;
  const { teal } = createTeal(platform);
  const told: Record<string, string> = {};
  const release = "release: echo migrating with $SECRET\nweb: node server.js\n";
  const good = { "package.json": manifest(SAYS_IT), "server.js": SERVER(true), Procfile: release };
  told["a push"] = (await repo.push(good)).text;
  const push = async (what: string, files: Record<string, string>) => {
    const pushed = await repo.push({ ...good, ...files });
    if (pushed.status === 0) throw new Error(`${what} went live: ${pushed.text}`);
    told[what] = pushed.text;
  };
  await push("a build that fails", { "package.json": manifest(FAILS) });
  await push("a check that fails", { "server.js": SERVER(false) });
  await push("a release command that fails", {
    Procfile: "release: echo $SECRET >&2; exit 3\nweb: node server.js\n",
  });
  writeFileSync(join(repo.dir, "Procfile"), release);
  writeFileSync(join(repo.dir, "package.json"), manifest(SAYS_IT));
  writeFileSync(join(repo.dir, "server.js"), SERVER(true));
  await repo.commit("from CI");
  const sent = await repo.git("push", "-q", source, "main");
  if (sent.status !== 0) throw new Error(sent.text);
  const commit = (await repo.git("rev-parse", "HEAD")).text.trim();
  const delivered = await deliver({ url: platform.apiUrl }, hook, pushPayload(commit));
  const ci = await ended(platform, delivered.json.deploy);
  if (ci.state !== "live") throw new Error(JSON.stringify(ci));
  const back = await api("POST", `/apps/${APP}/rollback`, {});
  await ended(platform, back.body.deploy.id);
  for (const args of [
    ["run:detached", "echo apart $SECRET"],
    ["logs", "-n", "200"],
    ["doctor"],
    ["ps:inspect"],
    ["config"],
    ["notifications:deliveries"],
    ["hooks:deliveries"],
    ["events"],
    ["certs"],
  ]) {
    const { out, err } = await teal([...args, "-a", APP]);
    told[`teal ${args.join(" ")}`] = out + err;
  }
  return told;
}

/** Pulls with a password from a registry, which takes it, and from one that does not. */
async function pull(platform: Platform) {
  const { api } = platform;
  const { teal } = createTeal(platform);
  const [{ image }] = (await api("GET", `/apps/${APP}/releases?limit=1`)).body.releases;
  const told: Record<string, string> = {};
  for (const [name, pair] of [
    ["taken", `ann:${secret("registry")}`],
    ["refused", "ann:of-somebody-else"],
  ] as const) {
    const registry = await startRegistry(createDocker(), image, "1", { pair });
    try {
      const login = { host: registry.host, username: "ann", password: secret("registry") };
      await api("POST", "/registries", login);
      const { out, err } = await teal(["deploy", "--image", `${registry.host}/ann/x:1`, "-a", APP]);
      told[`an image whose login is ${name}`] = out + err;
    } finally {
      await registry.close();
    }
  }
  return told;
}

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
  const answers = await crawl(
    addresses.map((path) => `/api/v1${path}`),
    {
      ...{ at: apiUrl, headers, leave: /./, most: 200 },
    },
  );
  const signedIn = await fetch(`${apiUrl}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: apiUrl },
    body: new URLSearchParams({ token: platform.adminToken() }),
  });
  const cookie = (signedIn.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const leave = /^\/(?:static|api)|reveal|stream|events/;
  const pages = await crawl(["/", `/apps/${APP}`], {
    at: apiUrl,
    headers: { cookie },
    leave,
    most: 150,
  });
  return { answers, pages };
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
