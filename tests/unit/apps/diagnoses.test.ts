import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { createDiagnoses } from "../../../apps/diagnoses.ts";
import { TealError } from "../../../apps/errors.ts";
import { createLog } from "../../../apps/log.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

async function appOf(name: string) {
  await api.store.createApp(name, "ann");
  await goLive(api.store, name, await api.deploys.push(pushOf(name, "aaa")));
  const app = await api.store.getApp(name);
  if (!app) throw new Error(`no ${name}`);
  return app;
}

/** Diagnoses whose workers answer when the test lets them: that none is here. */
function watched(signal = new AbortController().signal) {
  const asked: string[] = [];
  const told: string[] = [];
  let answer = Promise.withResolvers<never>();
  const ask = async (_method: string, _path: string, body?: unknown) => {
    asked.push((body as { app: string }).app);
    return answer.promise;
  };
  const diagnoses = createDiagnoses({
    ...{ signal, log: createLog("test"), news: { tell: (app) => void told.push(app) } },
    sources: { ...api.options, workers: { ask } },
  });
  const answerAll = () => {
    answer.reject(new TealError("no-worker"));
    answer = Promise.withResolvers<never>();
    answer.promise.catch(() => {});
  };
  answer.promise.catch(() => {});
  const until = async (done: () => boolean) => {
    for (let tries = 0; !done() && tries < 200; tries++) await sleep(10);
  };
  return { diagnoses, asked, told, answerAll, until };
}

test("a page gets what the last look found, is told of its end, and does not begin one each time", async (t) => {
  const app = await appOf("looked");
  const { diagnoses, asked, told, answerAll, until } = watched();
  for (let n = 0; n < 5; n++) t.is(diagnoses.of(app), null);
  await until(() => asked.length > 0);
  t.deepEqual(asked, ["looked"]);
  answerAll();
  await until(() => told.length > 0);
  t.deepEqual(told, ["looked"]);
  const diagnosis = diagnoses.of(app);
  t.regex(diagnosis?.findings.map(({ seen }) => seen).join() ?? "", /0 workers answered/);
  t.true(Math.abs((diagnosis?.at ?? 0) - Date.now()) < 10_000);
  t.is(diagnoses.of(app), diagnosis);
  t.is(asked.length, 1);
  // An app that is made anew under the name is another one.
  t.is(diagnoses.of({ ...app, id: "another" }), null);
});

test("two apps are looked at together at most; the others as soon as they are shown again", async (t) => {
  const apps = await Promise.all(["one", "two", "three"].map(appOf));
  const { diagnoses, asked, told, answerAll, until } = watched();
  for (const app of apps) diagnoses.of(app);
  await until(() => asked.length === 2);
  await sleep(50);
  t.is(asked.length, 2);
  answerAll();
  await until(() => told.length === 2);
  for (const app of apps) diagnoses.of(app);
  await until(() => asked.length === 3);
  t.is(asked.at(-1), "three");
  answerAll();
});

test("after the end no look begins, and one that goes on tells nobody", async (t) => {
  const [app, other] = [await appOf("ends"), await appOf("late")];
  const ending = new AbortController();
  const { diagnoses, asked, told, answerAll, until } = watched(ending.signal);
  diagnoses.of(app);
  await until(() => asked.length === 1);
  ending.abort();
  answerAll();
  t.is(diagnoses.of(other), null);
  await until(() => diagnoses.of(app) !== null);
  t.deepEqual([asked, told], [["ends"], []]);
});
