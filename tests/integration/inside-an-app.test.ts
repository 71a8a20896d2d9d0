import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { startPlatform } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

/** Tries, from inside, what it is asked to: to connect, to read a file, to ask by http. */
const SPY = `
import { createServer, get } from "node:http";
import { connect } from "node:net";
import { existsSync, readFileSync } from "node:fs";
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
createServer(async (req, res) => {
  if (req.url === "/") return res.end("spy");
  const wish = JSON.parse(decodeURIComponent(req.url.slice(1)));
  const all = async (list, way) => Object.fromEntries(await Promise.all(list.map(async (one) => [one, await way(one)])));
  const status = readFileSync("/proc/self/status", "utf8");
  res.end(JSON.stringify({
    dialled: await all(wish.dial, dial), asked: await all(wish.ask, ask), seen: await all(wish.see, see),
    env: Object.keys(process.env), uid: process.getuid(),
    capabilities: /CapEff:\\s*(\\w+)/.exec(status)[1], noNewPrivileges: /NoNewPrivs:\\s*(\\d)/.exec(status)[1],
  }));
}).listen(process.env.PORT);
`;

interface Told {
  dialled: Record<string, string>;
  asked: Record<string, number | string>;
  seen: Record<string, boolean>;
  env: string[];
  uid: number;
  capabilities: string;
  noNewPrivileges: string;
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8" }).trim();
}

test("from inside an app, sockets, stores and other apps are out of reach, and the API is shut", async (t) => {
  t.timeout(180_000);
  // As on a server: reachable from everywhere, from apps too.
  const platform = await startPlatform({ env: { TEAL_BIND: "0.0.0.0" } });
  t.teardown(() => platform.stop());
  for (const app of ["victim", "spy"]) {
    const repo = createRepo("hello-plain", platform, app);
    t.teardown(() => repo.remove());
    await repo.init();
    const pushed = await repo.push(app === "spy" ? { "server.js": SPY } : {});
    t.is(pushed.status, 0, pushed.text);
  }
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
  const path = `/${encodeURIComponent(JSON.stringify(wish))}`;
  const headers = { host: "spy.localhost" };
  const asked = request({ host: "127.0.0.1", port: platform.routerPort, path, headers }).end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const told = JSON.parse(await text(answer)) as Told;
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
});
