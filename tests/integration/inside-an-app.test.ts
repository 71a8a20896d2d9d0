import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import anyTest, { type TestFn } from "ava";
import { chainOf, removeWall, wallStands } from "../../apps/metadata-wall.ts";
import { METADATA, startMetadataService } from "../support/metadata-service.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

interface Context {
  metadata: { stop(): void };
  platform: Platform;
}
const test = anyTest as TestFn<Context>;

/** Tries, from inside, what it is asked to: to connect, to read a file, to ask by http. */
const SPY = `
import { createServer, get } from "node:http";
import { connect } from "node:net";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
const dial = (target) => new Promise((done) => {
  const [host, port] = target.split(" ");
  const socket = connect({ host, port: Number(port), timeout: 1500 }, () => { socket.destroy(); done("open"); });
  socket.on("timeout", () => { socket.destroy(); done("silent"); });
  socket.on("error", (error) => done(error.code));
});
const ask = (url) => new Promise((done) => {
  get(url, { timeout: 1500 }, (res) => { res.resume(); done(res.statusCode); }).on("error", (error) => done(error.code));
});
const see = (path) => existsSync(path);
if (process.argv[2] === "build") {
  writeFileSync("built.json", JSON.stringify(await dial("169.254.169.254 80")));
  process.exit();
}
createServer(async (req, res) => {
  if (req.url === "/") return res.end("spy");
  const wish = JSON.parse(decodeURIComponent(req.url.slice(1)));
  const all = async (list, way) => Object.fromEntries(await Promise.all(list.map(async (one) => [one, await way(one)])));
  const status = readFileSync("/proc/self/status", "utf8");
  res.end(JSON.stringify({
    dialled: await all(wish.dial, dial), asked: await all(wish.ask, ask), seen: await all(wish.see, see),
    builtWith: JSON.parse(readFileSync("built.json", "utf8")), env: Object.keys(process.env), uid: process.getuid(),
    capabilities: /CapEff:\\s*(\\w+)/.exec(status)[1], noNewPrivileges: /NoNewPrivs:\\s*(\\d)/.exec(status)[1],
  }));
}).listen(process.env.PORT);
`;

interface Told {
  dialled: Record<string, string>;
  asked: Record<string, number | string>;
  seen: Record<string, boolean>;
  builtWith: string;
  env: string[];
  uid: number;
  capabilities: string;
  noNewPrivileges: string;
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8" }).trim();
}

const SPY_PACKAGE = JSON.stringify({
  name: "hello-plain",
  version: "1.0.0",
  private: true,
  type: "module",
  engines: { node: "24.x" },
  scripts: { start: "node server.js", build: "node server.js build" },
});

test.before(async (t) => {
  t.timeout(240_000);
  t.context.metadata = await startMetadataService();
  // As on a server: reachable from everywhere, from apps too. Networks that no other test has.
  const env = { TEAL_BIND: "0.0.0.0", TEAL_NETWORK_POOL: "10.217.0.0/16" };
  const platform = await startPlatform({ env });
  t.context.platform = platform;
  for (const app of ["victim", "spy"]) {
    const repo = createRepo("hello-plain", platform, app);
    await repo.init();
    const spy = { "server.js": SPY, "package.json": SPY_PACKAGE };
    const pushed = await repo.push(app === "spy" ? spy : {});
    repo.remove();
    if (pushed.status !== 0) throw new Error(pushed.text);
  }
});

test.after.always(async (t) => {
  await t.context.platform?.stop();
  t.context.metadata?.stop();
});

/** Has the spy try what is wished. */
async function tell(
  { routerPort }: Platform,
  wish: { dial?: string[]; ask?: string[]; see?: string[] },
): Promise<Told> {
  const whole = { dial: [], ask: [], see: [], ...wish };
  const path = `/${encodeURIComponent(JSON.stringify(whole))}`;
  const headers = { host: "spy.localhost" };
  const asked = request({ host: "127.0.0.1", port: routerPort, path, headers }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return JSON.parse(await text(answer)) as Told;
}

test.serial("apps and builds do not reach the cloud's metadata, and look up names", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const [service, names] = [`${METADATA} 80`, `${METADATA} 53`];
  // The machine itself reaches it: startMetadataService has asked.
  const told = await tell(platform, { dial: [service, names] });
  t.deepEqual(told.dialled, { [service]: "silent", [names]: "open" });
  t.is(told.builtWith, "silent");
  // Without the rules it is there: they are what shuts it. Who flushed them finds them made again.
  const chain = chainOf(platform.namespace);
  t.true(await removeWall(chain));
  t.deepEqual((await tell(platform, { dial: [service] })).dialled, { [service]: "open" });
  await until(30_000, () => wallStands(chain));
  t.deepEqual((await tell(platform, { dial: [service] })).dialled, { [service]: "silent" });
});

test.serial(
  "from inside an app, sockets, stores and other apps are out of reach, and the API is shut",
  async (t) => {
    t.timeout(60_000);
    const { platform } = t.context;
    const containerOf = (app: string) =>
      docker("ps", "-q", "--filter", `name=^${platform.namespace}-${app}-\\d+-web-1$`);
    const fact = (app: string, field: string) =>
      docker(
        "inspect",
        "-f",
        `{{range .NetworkSettings.Networks}}{{.${field}}}{{end}}`,
        containerOf(app),
      );
    const victim = fact("victim", "IPAddress");
    const gateway = fact("spy", "Gateway");
    const port = docker(
      ...["inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", containerOf("victim")],
    ).match(/^PORT=(\d+)$/m)?.[1];
    const api = `http://${gateway}:${platform.apiPort}`;
    const shut = ["/api/v1/apps", "/api/v1/apps/victim/config", "/api/v1/tokens", "/metrics"];
    const wish = {
      dial: [`${victim} ${port}`, `${gateway} 2375`, `${gateway} 2376`],
      ask: [...shut, "/git/victim.git/info/refs?service=git-upload-pack"].map((path) => api + path),
      see: [
        ...["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"],
        ...[platform.home, `${platform.home}/redis.sock`, `${platform.home}/run`],
      ],
    };
    const told = await tell(platform, wish);
    // From the machine itself the very same address answers.
    const reached = connect({ host: victim, port: Number(port) });
    await once(reached, "connect");
    reached.destroy();
    t.deepEqual(told.dialled, {
      [`${victim} ${port}`]: "silent",
      [`${gateway} 2375`]: "ECONNREFUSED",
      [`${gateway} 2376`]: "ECONNREFUSED",
    });
    // It answers, so that a connection from inside is possible at all, and gives nothing.
    t.deepEqual(
      Object.values(told.asked),
      wish.ask.map(() => 401),
    );
    t.deepEqual(
      Object.entries(told.seen).filter(([, there]) => there),
      [],
    );
    t.deepEqual(
      told.env.filter((name) => /TEAL_(HOME|REDIS|TOKEN|API)|REDIS|DOCKER/.test(name)),
      [],
    );
    t.not(told.uid, 0);
    t.is(Number.parseInt(told.capabilities, 16), 0);
    t.is(told.noNewPrivileges, "1");
  },
);
