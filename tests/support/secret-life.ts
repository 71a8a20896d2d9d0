import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Deploy } from "../../apps/types.ts";
import { createDocker } from "../../workers/engine/client.ts";
import { createIssuer } from "./certificates.ts";
import { type Platform, until } from "./platform.ts";
import { startRegistry } from "./registry.ts";
import type { Repo } from "./repo.ts";
import { createTeal } from "./teal-cli.ts";
import { deliver, type Hook, pushPayload } from "./webhook.ts";

export const APP = "keeper";
export const MARK = `m4rk${randomBytes(8).toString("hex")}`;
export const secret = (name: string) => `${MARK}-${name}`;

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
const SAYS_IT = "console.log('read', process.env.SECRET)";
const FAILS = "console.error('no good:', process.env.SECRET); process.exit(1)";

/** Takes what it is sent, and answers some of it with a refusal that repeats it. */
export async function startReceiver() {
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
export async function giveSecrets(platform: Platform, receiver: string, source: string) {
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
export async function liveThroughAll(platform: Platform, repo: Repo, source: string, hook: Hook) {
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
  const say = async (...args: string[]) => {
    const { out, err } = await teal([...args, "-a", APP]);
    told[`teal ${args.join(" ")}`] = out + err;
  };
  await say("run:detached", "echo apart $SECRET");
  const asked = ["doctor", "ps:inspect", "config", "notifications:deliveries", "events", "certs"];
  await Promise.all(
    [...asked, "hooks:deliveries", "logs -n 200"].map((line) => say(...line.split(" "))),
  );
  return told;
}

/** Pulls with a password from a registry, which takes it, and from one that does not. */
export async function pull(platform: Platform) {
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
