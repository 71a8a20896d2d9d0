import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import test from "ava";
import { keys } from "../../../apps/keys.ts";
import type { NewNotifier, OpenNotifier, Sent } from "../../../apps/notifiers.ts";
import { createOutward } from "../../../apps/outward.ts";
import type { Deploy } from "../../../apps/types.ts";
import { format, type Message } from "../../../hooks/notify-format.ts";
import { send } from "../../../hooks/notify-send.ts";
import { verify } from "../../../hooks/webhook-signature.ts";
import { goLive, goWrong, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { startNotify } from "../../support/notify-rig.ts";
import { eventually, runCommand } from "../../support/push-world.ts";

let api: TestApi;
let notify: { close(): Promise<void> };
test.before(async () => {
  api = await startApi();
  notify = startNotify(api, { times: { backoffMs: 50, exchangeMs: 1000 } });
});
test.after.always(async () => {
  await notify?.close();
  await api?.stop();
});

interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver on the loopback; `answers` are the statuses of its first answers, then 204. "silent": none at all. */
async function receiver(...answers: (number | "silent")[]) {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const { method = "", url = "", headers } = req;
      received.push({ method, url, headers, body });
      const status = answers.shift() ?? 204;
      if (status !== "silent") res.writeHead(status, { Location: "http://127.0.0.1:1/" }).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/in`, received, stop };
}

let apps = 0;
async function newApp(wish: NewNotifier) {
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  return { app, ...(await api.notifiers.add(app, wish, "ann")) };
}

const asked = (app: string, digit = "a") => api.store.requestDeploy(pushOf(app, digit, "Better"));

/** The tries, oldest first, once there are so many. */
async function triesOf(app: string, count: number): Promise<Sent[]> {
  await eventually(async () => (await api.notifiers.sent(app, 100)).length >= count);
  return (await api.notifiers.sent(app, 100)).toReversed();
}

test("a webhook hears that a deploy went live, signed as Standard Webhooks has it", async (t) => {
  const to = await receiver();
  const { app, secret } = await newApp({ kind: "webhook", url: to.url });
  await goLive(api.store, app, await asked(app));
  const [tried] = await triesOf(app, 1);
  t.like(tried, { event: "deploy.live", deploy: `${app}-1`, attempt: 1, status: 204 });
  const [{ headers, body }] = to.received as [Received];
  const signed = { headers, body: Buffer.from(body) };
  t.is(verify("standard", secret ?? "", signed, Date.now()), "good");
  const { type, data } = JSON.parse(body);
  t.is(type, "deploy.live");
  t.like(data.deploy, { id: `${app}-1`, state: "live", app });
  t.is(data.url, `http://${app}.teal.test/`);
  t.is(data.log, `http://teal.test/apps/${app}/deploys/${app}-1`);
  to.stop();
});

test("a notice that cannot be handed over is said so in the log, and holds up no other", async (t) => {
  const to = await receiver();
  const ill = `app-${++apps}`;
  await api.store.createApp(ill, "ann");
  const redis = api.redis.connect();
  await redis.hset(keys.notifiers(ill), "0a0a0a0a0a0a", "not what the platform writes");
  await goLive(api.store, ill, await asked(ill));
  const { app } = await newApp({ kind: "webhook", url: to.url });
  await goLive(api.store, app, await asked(app));
  t.like((await triesOf(app, 1))[0], { event: "deploy.live", status: 204 });
  await eventually(() => api.logged.some((line) => line.includes("a notice was put off")));
  await redis.del(keys.notifiers(ill));
  to.stop();
});

test("each is told of its events alone: started, failed, superseded, rolled back", async (t) => {
  const to = await receiver();
  const { app } = await newApp({
    kind: "webhook",
    url: to.url,
    events: ["deploy.started", "deploy.failed", "deploy.rolled-back", "deploy.superseded"],
  });
  await goLive(api.store, app, await asked(app));
  await asked(app, "b");
  await asked(app, "c");
  await goWrong(api.store, app, "The build failed.");
  await goLive(api.store, app, await api.deploys.rollback({ app, to: 1, by: "bob" }));
  const tries = await triesOf(app, 6);
  const said = tries.map(({ event, deploy }) => `${event} ${deploy}`).toSorted();
  t.deepEqual(said, [
    `deploy.failed ${app}-3`,
    `deploy.rolled-back ${app}-4`,
    `deploy.started ${app}-1`,
    `deploy.started ${app}-3`,
    `deploy.started ${app}-4`,
    `deploy.superseded ${app}-2`,
  ]);
  to.stop();
});

test("a receiver that fails or is silent is tried again, with the same id, until it takes it", async (t) => {
  const to = await receiver(503, "silent", 429);
  const { app } = await newApp({ kind: "webhook", url: to.url });
  await goLive(api.store, app, await asked(app));
  const tries = await triesOf(app, 4);
  t.deepEqual(
    tries.map(({ attempt, status, error }) => [attempt, status ?? error]),
    [
      [1, 503],
      [2, "no answer within 1 s"],
      [3, 429],
      [4, 204],
    ],
  );
  t.is(new Set(to.received.map(({ headers }) => headers["webhook-id"])).size, 1);
  to.stop();
});

test("a receiver that refuses or redirects is not asked again, and a redirect is not followed", async (t) => {
  for (const status of [400, 302, 308, 410]) {
    const to = await receiver(status);
    const { app } = await newApp({ kind: "webhook", url: to.url });
    await goLive(api.store, app, await asked(app));
    const [tried] = await triesOf(app, 1);
    t.like(tried, { status, error: `it answered ${status}` });
    await new Promise((done) => setTimeout(done, 200));
    t.is(to.received.length, 1, `${status}`);
    to.stop();
  }
});

test("the code host that a webhook came from is told how its commit fares, when there is a token", async (t) => {
  const hosts = [
    {
      provider: "github",
      at: "/api/v3/repos/ann/shop/statuses/",
      auth: "authorization",
      as: "Bearer tok",
    },
    {
      provider: "gitea",
      at: "/api/v1/repos/ann/shop/statuses/",
      auth: "authorization",
      as: "token tok",
    },
    {
      provider: "gitlab",
      at: "/api/v4/projects/ann%2Fshop/statuses/",
      auth: "private-token",
      as: "tok",
    },
  ] as const;
  for (const { provider, at, auth, as } of hosts) {
    const to = await receiver();
    const app = `app-${++apps}`;
    await api.store.createApp(app, "ann");
    const repo = to.url.replace("/in", "/ann/shop.git");
    const { sender } = await api.senders.add(app, { provider, repo, token: "bot:tok" }, "ann");
    const intent = { ...pushOf(app, "b"), sender: sender.id };
    const deploy = await api.store.requestDeploy(intent);
    const taken = await api.store.claim(app, "test", 10_000);
    await eventually(async () => to.received.some(({ url }) => url.includes("/statuses/")));
    await api.store.finishDeploy(taken!.claim, deploy.id, "failed", "The build failed.");
    await eventually(
      async () => to.received.filter(({ url }) => url.includes("/statuses/")).length === 2,
    );
    const heard = to.received.filter(({ url }) => url.includes("/statuses/"));
    const said = heard.map(({ body }) => JSON.parse(body));
    const states = said.map(({ state }) => state);
    t.deepEqual(states, provider === "gitlab" ? ["running", "failed"] : ["pending", "failure"]);
    t.is(said[1].context ?? said[1].name, `teal/${app}`);
    t.is(said[1].description, `${app}-1: The build failed.`);
    for (const { url, headers } of heard) {
      t.is(url, `${at}${intent.commit}`);
      t.is(headers[auth], as);
    }
    to.stop();
  }
});

test("a sender without a token is told nothing", async (t) => {
  const to = await receiver();
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  const repo = to.url.replace("/in", "/ann/shop.git");
  const { sender } = await api.senders.add(app, { provider: "github", repo }, "ann");
  await goLive(
    api.store,
    app,
    await api.store.requestDeploy({ ...pushOf(app, "b"), sender: sender.id }),
  );
  const redis = api.redis.connect();
  await eventually(async () => (await redis.llen("teal:notices")) === 0);
  await new Promise((done) => setTimeout(done, 200));
  t.deepEqual(to.received, []);
  to.stop();
});

test("chats get one line in their own form, and what a commit says pings nobody", (t) => {
  const deploy = { id: "shop-1", app: "shop", commit: "abcdef0".padEnd(40, "0") } as Deploy;
  const why = "<!channel> @everyone & more\u0007";
  const notice = {
    id: "msg-1",
    event: "deploy.live",
    deploy: { ...deploy, why, by: "ann" },
    urls: { app: "http://shop/", log: "http://teal.test/log" },
  } as const;
  const to = (kind: OpenNotifier["kind"]) =>
    format({ kind, url: "https://x/y", secret: "tok" } as OpenNotifier, notice, 0) as Message;
  const slack = JSON.parse(to("slack").body);
  t.regex(slack.text, /^shop is live \(shop-1\): abcdef0 &lt;!channel&gt; @everyone &amp; more/);
  const discord = JSON.parse(to("discord").body);
  t.deepEqual(discord.allowed_mentions, { parse: [] });
  t.notRegex(discord.content, /\u0007/);
  const [attachment] = JSON.parse(to("teams").body).attachments;
  t.is(attachment.content.type, "AdaptiveCard");
  const matrix = to("matrix");
  t.like(matrix, { method: "PUT", url: "https://x/y/msg-1" });
  t.is(matrix.headers["Authorization"], "Bearer tok");
  t.is(JSON.parse(matrix.body).msgtype, "m.text");
});

test("private addresses are refused at the socket, and https is checked", async (t) => {
  const to = await receiver();
  const message = { method: "POST", url: to.url, headers: {}, body: "{}" } as const;
  const strict = createOutward({ allowPrivate: false });
  const error = await t.throwsAsync(send(strict, message));
  t.regex(error.message, /only addresses of the public internet/);
  t.deepEqual(to.received, []);
  to.stop();
  const dir = mkdtempSync(join(tmpdir(), "teal-tls-"));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "crt"];
  await runCommand("openssl", ["req", ...made, ...subject], { cwd: dir });
  const tls = { key: readFileSync(join(dir, "key")), cert: readFileSync(join(dir, "crt")) };
  const server = createTlsServer(tls, (_req, res) => res.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const open = createOutward({ allowPrivate: true });
  const wrong = await t.throwsAsync(send(open, { ...message, url }));
  t.regex(wrong.message, /self-signed certificate/);
  setDefaultCACertificates([...getCACertificates(), tls.cert.toString()]);
  t.is(await send(open, { ...message, url }), 200);
  const other = await t.throwsAsync(
    send(open, { ...message, url: url.replace("localhost", "127.0.0.1") }),
  );
  t.regex(other.message, /does not match certificate/);
  server.close();
  rmSync(dir, { recursive: true });
});

test("notifiers are made, listed and removed through the API, without their secrets", async (t) => {
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  const url = "https://hooks.slack.com/services/T0/B0/verysecret";
  const made = await call(api, "POST", `/apps/${app}/notifications`, {
    body: { kind: "slack", url },
  });
  t.is(made.status, 201);
  t.is(made.json.secret, null);
  const listed = await call(api, "GET", `/apps/${app}/notifications`);
  t.is(listed.json.notifiers[0].host, "hooks.slack.com");
  const kept = JSON.stringify(await api.redis.connect().hgetall(`teal:app:${app}:notifiers`));
  t.false(`${listed.text}${made.text}${kept}`.includes("verysecret"));
  const sent = await call(api, "GET", `/apps/${app}/notifications/deliveries`);
  t.deepEqual(sent.json.deliveries, []);
  for (const body of [
    { kind: "slack", url: "ftp://x/" },
    { kind: "matrix", url: "https://x/" },
  ]) {
    t.is((await call(api, "POST", `/apps/${app}/notifications`, { body })).status, 400);
  }
  const path = `/apps/${app}/notifications/${made.json.notifier.id}`;
  t.is((await call(api, "DELETE", path)).status, 204);
  t.is((await call(api, "DELETE", path)).status, 404);
});
