import test from "ava";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { startGithub } from "../../support/github.ts";
import { startNotify } from "../../support/notify-rig.ts";
import { eventually } from "../../support/push-world.ts";

let api: TestApi;
let notify: { close(): Promise<void> };
test.before(async () => {
  api = await startApi();
  notify = startNotify(api, { times: { backoffMs: 50, exchangeMs: 500 } });
});
test.after.always(async () => {
  await notify?.close();
  await api?.stop();
});

type Github = Awaited<ReturnType<typeof startGithub>>;

let apps = 0;
async function begin(github: Github, token = "tok") {
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  const wish = { provider: "github", repo: github.repo, token: `ann:${token}` } as const;
  const { sender } = await api.senders.add(app, wish, "ann");
  const ask = (digit: string) =>
    api.store.requestDeploy({ ...pushOf(app, digit), sender: sender.id });
  const deploy = await ask("b");
  const taken = await api.store.claim(app, "test", 10_000);
  return { app, deploy, claim: taken!.claim, ask };
}

const statesOf = ({ statuses }: Github) => statuses.map(({ state }) => state);

test("GitHub hears of one deployment of the commit to the app, in progress and then how it ended", async (t) => {
  const github = await startGithub("tok");
  const { app, deploy, claim } = await begin(github);
  await eventually(async () => github.statuses.length === 1);
  await api.store.finishDeploy(claim, deploy.id, "failed", "The build failed.");
  await eventually(async () => github.statuses.length === 2);
  t.is(github.deployments.length, 1);
  t.like(github.deployments[0], { ref: deploy.commit, environment: app, description: deploy.id });
  t.deepEqual(statesOf(github), ["in_progress", "failure"]);
  t.like(github.statuses[1], {
    deployment: 41,
    description: `${deploy.id}: The build failed.`,
    log_url: `http://teal.test/apps/${app}/deploys/${deploy.id}`,
    environment_url: `http://${app}.teal.test/`,
  });
  await eventually(async () => github.commitStatuses.length === 2);
  const states = github.commitStatuses.map(({ state }) => state);
  t.deepEqual(states, ["pending", "failure"], "beside the commit's statuses");
  github.stop();
});

test("success is said of a deploy that is live", async (t) => {
  const github = await startGithub("tok");
  const app = `app-${++apps}`;
  await api.store.createApp(app, "ann");
  const wish = { provider: "github", repo: github.repo, token: "tok" } as const;
  const { sender } = await api.senders.add(app, wish, "ann");
  const intent = { ...pushOf(app, "b"), sender: sender.id };
  await goLive(api.store, app, await api.store.requestDeploy(intent));
  await eventually(async () => github.statuses.some(({ state }) => state === "success"));
  t.is(github.deployments.length, 1);
  t.is(github.statuses.at(-1)?.state, "success", "nothing is said after it");
  github.stop();
});

test("inactive is said of a deploy that was cancelled, nothing of one that never began", async (t) => {
  const github = await startGithub("tok");
  const { deploy, claim, ask } = await begin(github);
  await eventually(async () => github.statuses.length === 1);
  const next = await ask("c");
  await ask("d");
  await api.store.finishDeploy(claim, deploy.id, "cancelled", "cancelled by ann");
  await eventually(async () => github.statuses.length === 2);
  t.deepEqual(statesOf(github), ["in_progress", "inactive"]);
  const redis = api.redis.connect();
  await eventually(async () => (await redis.llen("teal:notices")) === 0);
  await new Promise((done) => setTimeout(done, 200));
  t.false(github.deployments.some(({ description }) => description === next.id));
  github.stop();
});

test("after a fault, an answer that was lost and one too many there is still one deployment", async (t) => {
  const github = await startGithub("tok", [503, "none", "lost", "none", 429]);
  const { app, deploy } = await begin(github);
  await eventually(async () => github.statuses.length === 1);
  t.is(github.deployments.length, 1);
  await eventually(async () => {
    const sent = await api.notifiers.sent(app, 100);
    return sent.filter(({ notifier }) => notifier === "github-deployment").length === 4;
  });
  const sent = (await api.notifiers.sent(app, 100)).toReversed();
  const tries = sent.filter(({ notifier }) => notifier === "github-deployment");
  t.deepEqual(
    tries.map(({ status, error }) => status ?? error),
    [503, "no answer within 0.5 s", 429, 201],
  );
  t.is((await api.store.getDeploy(deploy.id))?.state, "running", "the deploy knows nothing of it");
  github.stop();
});

test("a token that GitHub does not take is listed, once, and the deploy goes on", async (t) => {
  const github = await startGithub("tok");
  const { app, deploy, claim } = await begin(github, "wrong");
  const listed = async () =>
    (await api.notifiers.sent(app, 100)).filter(({ notifier }) => notifier === "github-deployment");
  await eventually(async () => (await listed()).length === 1);
  await api.store.finishDeploy(claim, deploy.id, "failed", "The build failed.");
  await eventually(async () => (await listed()).length === 2);
  t.deepEqual([...new Set((await listed()).map(({ error }) => error))], ["it answered 401"]);
  t.false(JSON.stringify(await listed()).includes("wrong"));
  t.deepEqual(github.deployments, []);
  t.is((await api.store.getDeploy(deploy.id))?.error, "The build failed.");
  github.stop();
});
