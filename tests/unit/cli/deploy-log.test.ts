import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { goWrong, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { runCli } from "../../support/run-cli.ts";

let api: TestApi;
let id: string;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  ({ id } = await api.deploys.push(pushOf("shop", "aaa")));
  await api.deployLog.append(id, [
    { kind: "step", text: "Building" },
    { kind: "output", text: "an error, and its reason" },
  ]);
  await sleep(20);
  await api.deployLog.append(id, [
    { kind: "output", text: "another error" },
    { kind: "output", text: "the end" },
  ]);
});
test.after.always(() => api.stop());

function logs(...more: string[]) {
  const env = { HOME: tmpdir(), TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin };
  return runCli(["logs", "--deploy", id, ...more], { env, cwd: tmpdir() });
}
const said = async (...more: string[]) =>
  (await logs(...more)).stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => line.replace(/^(-----> | {7})/, ""));

const ALL = ["Building", "an error, and its reason", "another error", "the end"];

test.serial(
  "a deploy's log is cut as the app's is: by number, text and time, and by two of them",
  async (t) => {
    t.deepEqual(await said(), ALL);
    t.deepEqual(await said("-n", "2"), ALL.slice(2));
    t.deepEqual(await said("-n", "0"), []);
    t.deepEqual(await said("--grep", "error"), [ALL[1], ALL[2]]);
    t.deepEqual(await said("--grep", "error", "-n", "1"), [ALL[2]]);
    const { stdout } = await logs("--json");
    const lines = JSON.parse(stdout) as { at: number; text: string }[];
    const since = new Date(lines[2]?.at ?? 0).toISOString();
    t.deepEqual(await said("--since", since), ALL.slice(2));
    t.deepEqual(await said("--since", since, "--grep", "reason"), []);
    t.deepEqual(await said("--since", "1h", "--grep", "reason"), [ALL[1]]);
  },
);

test.serial("what says nothing about it is refused", async (t) => {
  for (const [name, value] of Object.entries({ ps: "web.1", release: "v1", source: "teal" })) {
    const { code, stderr } = await logs(`--${name}`, value);
    t.is(code, 2, name);
    t.regex(stderr, new RegExp(`'--${name}'`));
  }
  t.is((await logs("-n", "many")).code, 2);
  t.is((await logs("--since", "soon")).code, 2);
});

test.serial(
  "followed, it goes on with what is wanted of it, and ends as the deploy does",
  async (t) => {
    const following = [
      logs("-f", "--grep", "error"),
      logs("-f", "-n", "1"),
      logs("-f", "-n", "1", "--json"),
    ];
    await sleep(1500);
    await api.deployLog.append(id, [
      { kind: "output", text: "a last error" },
      { kind: "output", text: "and more" },
    ]);
    await goWrong(api.store, "shop", "it broke");
    const [grep, newest, json] = await Promise.all(following);
    t.is(grep?.code, 1);
    const trimmed = (text = "") =>
      text
        .split("\n")
        .filter(Boolean)
        .map((line) => line.trim());
    t.deepEqual(trimmed(grep?.stdout), [ALL[1], ALL[2], "a last error"]);
    t.deepEqual(trimmed(newest?.stdout), [ALL[3], "a last error", "and more"]);
    const values = trimmed(json?.stdout).map((line) => JSON.parse(line));
    t.deepEqual(
      values.map(({ text, state }) => text ?? state),
      [ALL[3], "a last error", "and more", "failed"],
    );
  },
);
