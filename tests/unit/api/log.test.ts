import test from "ava";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call, readEvents, type SentEvent } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const bearer = () => ({ Authorization: `Bearer ${api.tokens.admin}` });
const never = () => false;
const textsOf = (events: SentEvent[]) =>
  events.filter((e) => e.event === "line").map((e) => e.data.text);

async function deployOf(app: string) {
  await api.store.createApp(app, "ann");
  return api.deploys.push(pushOf(app, "abc"));
}

test("a log is a list of lines, from after the one that is named", async (t) => {
  const deploy = await deployOf("list");
  await api.deployLog.append(
    deploy.id,
    ["one", "two", "three"].map((text) => ({ kind: "info", text })),
  );
  const all = await call(api, "GET", `/deploys/${deploy.id}/log`);
  t.deepEqual(
    all.json.lines.map((line: any) => line.text),
    ["one", "two", "three"],
  );
  const rest = await call(
    api,
    "GET",
    `/deploys/${deploy.id}/log?after=${all.json.lines[0].id}&limit=1`,
  );
  t.deepEqual(
    rest.json.lines.map((line: any) => line.text),
    ["two"],
  );
  t.is((await call(api, "GET", `/deploys/${deploy.id}/log?after=last`)).status, 400);
  t.is((await call(api, "GET", `/deploys/${deploy.id}/log?follow=maybe`)).status, 400);
});

test("a followed log grows as the deploy does, and ends with its final state", async (t) => {
  const deploy = await deployOf("grow");
  await api.deployLog.append(deploy.id, [{ kind: "step", text: "before" }]);
  const following = readEvents(api, `/api/v1/deploys/${deploy.id}/log?follow=1`, bearer(), never);
  await api.deployLog.append(deploy.id, [{ kind: "output", text: "while" }]);
  await goLive(api.store, "grow", deploy);
  const events = await following;
  t.deepEqual(textsOf(events), ["before", "while"]);
  const end = events.at(-1);
  t.is(end?.event, "end");
  t.like(end?.data, { id: deploy.id, state: "live", release: 1 });
});

test("a reader that was cut off goes on after the last line it had", async (t) => {
  const deploy = await deployOf("resume");
  await api.deployLog.append(
    deploy.id,
    ["1", "2", "3", "4"].map((text) => ({ kind: "info", text })),
  );
  const path = `/api/v1/deploys/${deploy.id}/log`;
  const asEvents = { ...bearer(), Accept: "text/event-stream" };
  const first = await readEvents(api, path, asEvents, (events) => events.length >= 2);
  const last = first[1]?.id ?? "";
  t.deepEqual(textsOf(first).slice(0, 2), ["1", "2"]);
  await goLive(api.store, "resume", deploy);
  const rest = await readEvents(api, path, { ...asEvents, "Last-Event-ID": last }, never);
  t.deepEqual(textsOf(rest), ["3", "4"]);
  t.is(rest.at(-1)?.event, "end");
});

test("the log of somebody else's app is not there, as a stream neither", async (t) => {
  const deploy = await deployOf("secret");
  for (const path of [`/deploys/${deploy.id}/log`, `/deploys/${deploy.id}/log?follow=1`]) {
    const answer = await call(api, "GET", path, { token: api.tokens.elsewhere });
    t.is(answer.json.title, "deploy-not-found");
  }
});

test("a stream whose reader goes away is closed behind it", async (t) => {
  const deploy = await deployOf("leave");
  await api.deployLog.append(deploy.id, [{ kind: "info", text: "one" }]);
  await readEvents(
    api,
    `/api/v1/deploys/${deploy.id}/log?follow=1`,
    bearer(),
    (events) => events.length > 0,
  );
  const head = await call(api, "HEAD", `/deploys/${deploy.id}/log?follow=1`);
  t.is(head.status, 200);
  t.is((await call(api, "GET", "/health")).status, 200);
});
