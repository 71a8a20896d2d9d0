import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test from "ava";
import { keys } from "../../../apps/keys.ts";
import type { Sender } from "../../../apps/senders.ts";
import type { Deploy } from "../../../apps/types.ts";
import { commitStatus } from "../../../hooks/commit-status.ts";
import { goLive, goWrong, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { startGithub } from "../../support/github.ts";
import { startNotify } from "../../support/notify-rig.ts";
import { eventually } from "../../support/push-world.ts";

const FIGURES =
  "v2 did worse than v1: 9.1 % of 44 answers failed since, 0.0 % of 90 answers before";
const GOOD = "a".padEnd(40, "0");
const BAD = "b".padEnd(40, "0");

let api: TestApi;
let notify: { close(): Promise<void> };
test.before(async () => {
  api = await startApi();
  notify = startNotify(api, {
    at: "https://deploys.example.com",
    times: { backoffMs: 300, exchangeMs: 1000 },
  });
});
test.after.always(async () => {
  await notify?.close();
  await api?.stop();
});

let apps = 0;
async function newApp(provider: Sender["provider"], repo: string) {
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  const { sender } = await api.senders.add(app, { provider, repo, token: "tok" }, "ann");
  const push = async (digit: string) => {
    const intent = { ...pushOf(app, digit), sender: sender.id };
    const deploy = await api.store.requestDeploy(intent);
    await goLive(api.store, app, deploy);
    return deploy;
  };
  return { app, push, sender };
}

/** As workers/guard.ts asks for it. */
function guardBack(app: string, guardOf: string): Promise<Deploy> {
  return api.store.requestDeploy({
    ...{ app, kind: "rollback", toRelease: 1, commit: GOOD },
    ...{ by: "guard", why: FIGURES, guardOf },
  });
}

/** All that is noted is a job, and no job waits. */
async function settled(): Promise<void> {
  const redis = api.redis.connect();
  await eventually(async () => (await redis.llen(keys.notices)) === 0);
  await new Promise((done) => setTimeout(done, 300));
}

test("GitHub hears what the guard swapped back, with its figures, and what is live again", async (t) => {
  const github = await startGithub("tok");
  const { app, push } = await newApp("github", github.repo);
  const good = await push("a");
  const bad = await push("b");
  await settled();
  const back = await guardBack(app, bad.id);
  const ofBad = () => github.commitStatuses.filter(({ sha }) => sha === BAD);
  await eventually(async () => /swaps back/.test(ofBad().at(-1)?.description ?? ""));
  t.like(ofBad().at(-1), {
    state: "failure",
    description: `${bad.id}: The guard swaps back: ${FIGURES}`,
  });
  await goLive(api.store, app, back);
  await eventually(async () => /swapped back/.test(ofBad().at(-1)?.description ?? ""));
  const said = `${bad.id}: The guard swapped back to v1: ${FIGURES}`;
  t.like(ofBad().at(-1), {
    state: "failure",
    description: said,
    target_url: `https://deploys.example.com/apps/${app}/deploys/${bad.id}`,
  });
  const again = `${good.id}: Live again, the guard swapped back`;
  const ofGood = () => github.commitStatuses.findLast(({ sha }) => sha === GOOD);
  await eventually(async () => ofGood()?.description === again);
  t.is(ofGood()?.state, "success");
  await settled();
  t.is(github.deployments.length, 2, "nothing is a new deployment");
  const last = (deploy: Deploy) => {
    const id = github.deployments.find(({ description }) => description === deploy.id)?.id;
    return github.statuses.findLast(({ deployment }) => deployment === id);
  };
  t.like(last(bad), { state: "failure", description: said });
  t.like(last(good), { state: "success", description: again });
  github.stop();
});

test("GitHub hears of a rollback by a person, and of one after it the other way", async (t) => {
  const github = await startGithub("tok");
  const { app, push } = await newApp("github", github.repo);
  const good = await push("a");
  const bad = await push("b");
  await settled();
  await goLive(
    api.store,
    app,
    await api.deploys.rollback({ app, to: 1, by: "bob", why: "no\u001b[m" }),
  );
  const last = (deploy: Deploy) => {
    const id = github.deployments.find(({ description }) => description === deploy.id)?.id;
    return github.statuses.findLast(({ deployment }) => deployment === id);
  };
  await eventually(
    async () => last(good)?.description === `${good.id}: Live again, rolled back by bob`,
  );
  await eventually(async () => last(bad)?.state === "inactive");
  t.regex(last(bad)?.description ?? "", /: Rolled back to v1 by bob: no \[m$/);
  const commit = (sha: string) => github.commitStatuses.findLast((one) => one.sha === sha);
  await eventually(async () => commit(BAD)?.state === "failure");
  await goLive(api.store, app, await api.deploys.rollback({ app, to: 2, by: "ann" }));
  await eventually(async () => last(bad)?.state === "success" && last(good)?.state === "inactive");
  await eventually(
    async () => commit(BAD)?.state === "success" && commit(GOOD)?.state === "failure",
  );
  t.is(github.deployments.length, 2);
  github.stop();
});

test("config that is rolled back says of its code only that it is live again", async (t) => {
  const github = await startGithub("tok");
  const { app, push } = await newApp("github", github.repo);
  await push("a");
  const commit = GOOD;
  const change = { app, kind: "config", commit, by: "ann", why: "KEY" } as const;
  await goLive(api.store, app, await api.store.requestDeploy(change));
  await settled();
  await goLive(api.store, app, await api.deploys.rollback({ app, to: 1, by: "bob" }));
  await eventually(async () => /Live again/.test(github.commitStatuses.at(-1)?.description ?? ""));
  await settled();
  t.deepEqual([...new Set(github.commitStatuses.map(({ state }) => state))].toSorted(), [
    "success",
  ]);
  github.stop();
});

test("what is held and promoted is a success, what is held and thrown away is not", async (t) => {
  const github = await startGithub("tok");
  const { app, sender, push } = await newApp("github", github.repo);
  await push("a");
  const held = async (digit: string) => {
    const deploy = await api.store.requestDeploy({
      ...pushOf(app, digit),
      sender: sender.id,
      hold: true,
    });
    await hold(deploy);
    await eventually(async () => github.statuses.at(-1)?.state === "pending");
    return deploy;
  };
  const kept = await held("b");
  await goLive(api.store, app, await api.deploys.promote({ app, by: "bob" }));
  await eventually(
    async () => github.statuses.at(-1)?.description === `${kept.id}: Promoted by bob`,
  );
  t.is(github.statuses.at(-1)?.state, "success");
  const gone = await held("c");
  await api.deploys.abort(app);
  const thrown = `${gone.id}: Held, and thrown away`;
  await eventually(async () => github.statuses.at(-1)?.description === thrown);
  await eventually(async () => github.commitStatuses.at(-1)?.description === thrown);
  t.is(github.statuses.at(-1)?.state, "inactive");
  t.is(github.commitStatuses.at(-1)?.state, "error");
  github.stop();
});

/** As the executor ends a deploy that is to be held. */
async function hold(deploy: Deploy): Promise<void> {
  const { store } = api;
  const { app } = deploy;
  const { claim } = (await store.claim(app, "test", 10_000))!;
  const live = (await store.getApp(app))?.live?.colour;
  const colour = live === "blue" ? "green" : "blue";
  const { commit = "", by, why, id } = deploy;
  const made = {
    kind: "push",
    commit,
    by,
    why,
    image: `sha256:${"1".repeat(64)}`,
    imageBytes: 1,
  } as const;
  const runs = { processes: { web: "" }, formation: { web: 1 }, port: 5000 };
  const release = await store.createRelease(claim, { deploy: id, ...made, ...runs });
  const web = `teal-${id}-web-1`;
  const instance = {
    id: web,
    deploy: id,
    release: release.n,
    colour,
    process: "web",
    index: 1,
  } as const;
  await store.recordInstances(claim, [instance]);
  await store.advanceInstance(claim, web, "started", { host: "127.0.0.1", port: 5000 });
  await store.advanceInstance(claim, web, "healthy");
  await store.holdColour(claim, {
    deploy: id,
    release: release.n,
    colour,
    targets: [web],
    note: "",
  });
  await store.release(claim);
}

test("a success that arrives late is not put over what came after it", async (t) => {
  // The first answer about `bad` is a fault, so that its success is told once it is swapped back.
  const heard: { sha: string; state: string; description: string }[] = [];
  let faults = 0;
  const server = createServer((req, res) => {
    void text(req).then((body) => {
      const sha = req.url?.split("/").at(-1) ?? "";
      const status = JSON.parse(body) as { state: string; description: string };
      const late = sha === BAD && status.state === "success" && faults++ === 0;
      if (!late) heard.push({ sha, ...status });
      res.writeHead(late ? 503 : 201).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const repo = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ann/shop.git`;
  const { app, push } = await newApp("gitea", repo);
  await push("a");
  const bad = await push("b");
  await eventually(async () => faults === 1);
  await goLive(api.store, app, await guardBack(app, bad.id));
  await eventually(async () =>
    heard.some(({ description }) => /swapped back to v1/.test(description)),
  );
  await new Promise((done) => setTimeout(done, 900));
  t.is(faults, 1, "it is not told any more");
  t.is(heard.findLast(({ sha }) => sha === BAD)?.state, "failure");
  server.closeAllConnections();
  server.close();
});

test("GitLab, Gitea and Bitbucket hear the same, each in its own words", async (t) => {
  const words = {
    gitlab: { bad: "failed", good: "success", at: "/api/v4/projects/ann%2Fshop/statuses/" },
    gitea: { bad: "failure", good: "success", at: "/api/v1/repos/ann/shop/statuses/" },
    bitbucket: { bad: "FAILED", good: "SUCCESSFUL", at: "/rest/build-status/1.0/commits/" },
  } as const;
  for (const provider of ["gitlab", "gitea", "bitbucket"] as const) {
    const heard: { at: string; auth: string; body: Record<string, string> }[] = [];
    const server = createServer((req, res) => {
      void text(req).then((body) => {
        const auth = req.headers.authorization ?? String(req.headers["private-token"]);
        heard.push({ at: req.url ?? "", auth, body: JSON.parse(body) });
        res.writeHead(201).end("{}");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const repo = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ann/shop.git`;
    const { app, push } = await newApp(provider, repo);
    await push("a");
    const bad = await push("b");
    await settled();
    await goLive(api.store, app, await guardBack(app, bad.id));
    const { at, ...state } = words[provider];
    const last = (sha: string) => heard.findLast((one) => one.at === at + sha);
    await eventually(async () => /swapped back to v1/.test(last(BAD)?.body.description ?? ""));
    await eventually(async () => /Live again/.test(last(GOOD)?.body.description ?? ""));
    t.is(last(BAD)?.body.state, state.bad, provider);
    t.is(last(GOOD)?.body.state, state.good, provider);
    t.regex(last(BAD)?.body.description ?? "", /9\.1 % of 44 answers failed since/);
    const { url, target_url } = last(BAD)?.body ?? {};
    t.is(url ?? target_url, `https://deploys.example.com/apps/${app}/deploys/${bad.id}`);
    t.regex(last(BAD)?.auth ?? "", /tok$/);
    server.closeAllConnections();
    server.close();
  }
});

test("a push that fails after a rollback leaves the rollback's word as it is", async (t) => {
  const github = await startGithub("tok");
  const { app, push, sender } = await newApp("github", github.repo);
  await push("a");
  await push("b");
  await settled();
  await goLive(api.store, app, await api.deploys.rollback({ app, to: 1, by: "bob" }));
  const commit = (sha: string) => github.commitStatuses.findLast((one) => one.sha === sha);
  await eventually(async () => /Live again/.test(commit(GOOD)?.description ?? ""));
  await api.store.requestDeploy({ ...pushOf(app, "c"), sender: sender.id });
  await goWrong(api.store, app, "The build failed.");
  const failed = "c".padEnd(40, "0");
  await eventually(async () => commit(failed)?.state === "failure");
  t.is(commit(GOOD)?.state, "success");
  t.is(commit(BAD)?.state, "failure");
  github.stop();
});

test("Bitbucket's cloud takes an access token, or a user's app password", (t) => {
  const sender = { provider: "bitbucket", repo: "https://bitbucket.org/ann/shop.git" } as Sender;
  const deploy = { id: "shop-1", app: "shop", commit: GOOD } as Deploy;
  const of = (token: string) =>
    commitStatus(sender, { token }, { deploy, event: "deploy.live" }, "https://t/shop-1");
  t.is(
    of("tok")?.url,
    `https://api.bitbucket.org/2.0/repositories/ann/shop/commit/${GOOD}/statuses/build`,
  );
  t.is(of("tok")?.headers.Authorization, "Bearer tok");
  t.is(of("x-token-auth:tok")?.headers.Authorization, "Bearer tok");
  t.is(of("ann:pw")?.headers.Authorization, `Basic ${Buffer.from("ann:pw").toString("base64")}`);
  t.deepEqual(JSON.parse(of("tok")?.body ?? ""), {
    ...{ state: "SUCCESSFUL", key: "teal/shop", name: "teal/shop" },
    ...{ url: "https://t/shop-1", description: "shop-1: Live" },
  });
});
