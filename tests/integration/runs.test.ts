import { execFile } from "node:child_process";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify, stripVTControlCharacters } from "node:util";
import type { ExecutionContext } from "ava";
import ssh2 from "ssh2";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, until } from "../support/platform.ts";
import { createTeal } from "../support/teal-cli.ts";
import { atTerminal, overSsh, startAtTerminal } from "../support/terminals.ts";

const APP = "shop";
const run = promisify(execFile);

const test = testApp({ app: APP, fixture: "talks", workers: 2 });

const runsOf = async ({ platform }: AppWorld) =>
  (await containersOf(platform.namespace)).filter((name) => /-run-[0-9a-f]{8}$/.test(name));

const none = (t: ExecutionContext<AppWorld>) =>
  until(30_000, async () => (await runsOf(t.context)).length === 0);

test.serial("a command runs in the live image with its config, and ends as it ends", async (t) => {
  t.timeout(60_000);
  const { teal } = createTeal(t.context.platform);
  const both = await teal(["run", "echo out $TEAL_RELEASE; echo err >&2; exit 7", "-a", APP]);
  t.like(both, { code: 7, out: "out v1\n", err: "err\n" });
  const words = await teal(["run", "-a", APP, "--", "printf", "%s|", "a b", "$HOME", "it's"]);
  t.is(words.out, "a b|$HOME|it's|");
  const input = "x".repeat(3_000_000);
  const piped = await teal(["run", "-a", APP, "cat"], input);
  t.is(piped.code, 0, piped.err);
  t.true(piped.out === input, `${piped.out.length} bytes came back`);
  await none(t);
  const noted = await teal(["logs", "-a", APP, "--source", "teal", "--grep", "runs"]);
  t.regex(noted.out, /run\.[0-9a-f]{8}: .+ runs: echo out/);
});

test.serial("at a terminal it has one of the same size, by the CLI and by SSH", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  for (const words of [`run -a ${APP}`, `enter -a ${APP} web.1`]) {
    const typed = await atTerminal(platform, words, "tty; sleep 0.5; stty size; exit 5");
    t.is(typed.code, 5, typed.stderr);
    t.regex(typed.stdout, /\/dev\/pts\/\d+\s+31 101/, words);
  }

  const keys = ssh2.utils.generateKeyPairSync("ed25519");
  const wish = { name: "ann", role: "admin", apps: "*", key: keys.public };
  t.is((await platform.api("POST", "/keys", wish)).status, 201);
  const far = await overSsh(platform, keys.private, "run sh -a shop", async (stream, seen) => {
    const asked = (size: string) =>
      until(10_000, async () => {
        stream.write("stty size\n");
        return seen().includes(size);
      });
    await asked("33 99");
    stream.setWindow(44, 111, 0, 0);
    await asked("44 111");
    stream.write("exit 9\n");
  });
  t.is(far.code, 9);
  const entered = await overSsh(platform, keys.private, "enter web.1 -a shop", async (stream) => {
    stream.write("tty; echo in $TEAL_PROCESS; sleep 0.5; stty size; exit 8\n");
  });
  t.is(entered.code, 8);
  t.regex(entered.text, /\/dev\/pts\/\d+\s+in web\s+33 99/);
  const inside = await overSsh(platform, keys.private, "enter web.1 false -a shop", async () => {});
  t.is(inside.code, 1);
  const alone = await overSsh(
    platform,
    keys.private,
    "run:detached -a shop --json 'echo from afar; exit 3'",
    async () => {},
  );
  t.is(alone.code, 0, alone.text);
  await saidBy(t, `run.${JSON.parse(alone.text).id}`, /from afar/);
  const listed = await overSsh(platform, keys.private, "apps:list", async () => {});
  t.regex(stripVTControlCharacters(listed.text), /^APP .*\r\nshop /);
  await none(t);
});

test.serial("when the terminal here changes its size, the one there does", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  for (const words of [`run -a ${APP} sh`, `enter -a ${APP} web.1 sh`]) {
    const child = startAtTerminal(platform, words);
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString()));
    const ended = once(child, "close");
    const asked = (size: string) =>
      until(15_000, async () => {
        child.stdin.write("stty size\n");
        await sleep(200);
        return seen.includes(size);
      });
    await asked("31 101");
    const here = /\/dev\/pts\/\d+/.exec(seen)?.[0] ?? "";
    await run("stty", ["-F", here, "cols", "77", "rows", "22"]);
    await asked("22 77");
    child.stdin.write("exit 6\n");
    t.is((await ended)[0], 6, `${words}: ${seen}`);
  }
  await none(t);
});

test.serial("it goes when its client goes, and when its worker goes", async (t) => {
  t.timeout(90_000);
  const { platform } = t.context;
  const { start } = createTeal(platform);
  const client = start("run", "-a", APP, "sleep 1000");
  await until(20_000, async () => (await runsOf(t.context)).length === 1);
  client.kill("SIGKILL");
  await none(t);

  const cut = start("run", "-a", APP, "echo ready; sleep 1000");
  let said = "";
  for (const output of [cut.stdout, cut.stderr]) {
    output?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  }
  const ended = once(cut, "close");
  await until(20_000, async () => said.includes("ready"));
  for (const worker of ["worker-1", "worker-2"]) platform.signal(worker, "SIGKILL");
  t.is((await ended)[0], 1);
  t.regex(said, /The command was cut off/);
  await none(t);
});

test.serial(
  "detached, its output is in the log and it is gone at its end; so many may run",
  async (t) => {
    t.timeout(120_000);
    const { teal } = createTeal(t.context.platform);
    const asked = await teal(["run:detached", "-a", APP, "--json", "echo detached; exit 3"]);
    t.is(asked.code, 0, asked.err);
    const { id } = JSON.parse(asked.out);
    await saidBy(t, `run.${id}`, /detached/);
    await none(t);
    const said = await teal(["logs", "-a", APP, "--source", "teal", "--grep", id]);
    t.regex(said.out, /ended by itself with status 3/);

    const atOnce = [1, 2, 1, 2, 1, 2].map((worker) => askWorker(t.context.platform, worker));
    t.deepEqual(new Set(await Promise.all(atOnce)), new Set([200]));
    const many = Array.from({ length: 6 }, () => teal(["run:detached", "-a", APP, "sleep 300"]));
    const codes = (await Promise.all(many)).map(({ code }) => code).toSorted((x, y) => x - y);
    t.deepEqual(codes, [0, 0, 0, 0, 5, 5], "of those asked for at once, too");
    for (const worker of [1, 2]) t.is(await askWorker(t.context.platform, worker), 400);
    t.is((await runsOf(t.context)).length, 10, "what runs is left alone by the reconciler");
    // The last place, and two workers that each see it free.
    const [one] = await runsOf(t.context);
    await run("docker", ["rm", "-f", one ?? ""]);
    const both = await Promise.all([1, 2].map((worker) => askWorker(t.context.platform, worker)));
    t.true(both.includes(400), "not both");
    t.true((await runsOf(t.context)).length <= 10);
  },
);

test.serial("enter runs in an instance; who may only read may do neither", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const { teal } = createTeal(platform);
  const entered = await teal([
    "enter",
    "-a",
    APP,
    "web.1",
    "echo $TEAL_PROCESS $TEAL_COLOUR; exit 4",
  ]);
  t.like(entered, { code: 4, out: "web blue\n" });
  t.is((await teal(["enter", "-a", APP, "web.9"])).code, 4);
  const shell = await teal(["enter", "web.1", "-a", APP], "echo from a shell; exit 2\n");
  t.like(shell, { code: 2, out: "from a shell\n" });

  const { body } = await platform.api("POST", "/tokens", {
    name: "rea",
    role: "read",
    apps: [APP],
  });
  const reader = createTeal({ ...platform, adminToken: () => body.secret as string });
  t.is((await reader.teal(["run", "-a", APP, "true"])).code, 3);
  t.is((await reader.teal(["run", "-a", "other", "true"])).code, 4);
  t.is((await platform.api("GET", `/apps/${APP}/runs/00000000/attach`)).status, 426);
});

test.serial("what runs for an app is gone with it", async (t) => {
  t.timeout(60_000);
  await t.context.platform.api("DELETE", `/apps/${APP}`, { confirm: APP });
  await until(50_000, async () => (await containersOf(t.context.platform.namespace)).length === 0);
  t.pass();
});

/** Waits until a command that nobody is attached to has said so. */
const saidBy = (t: ExecutionContext<AppWorld>, from: string, what: RegExp) =>
  until(20_000, async () => {
    const { out } = await createTeal(t.context.platform).teal(["logs", "-a", APP, "--ps", from]);
    return what.test(out);
  });

/** Asks one worker, past the web process, for a command that nobody is attached to; its answer's status. */
async function askWorker({ home }: Platform, n: number): Promise<number> {
  const wish = { command: ["sleep 300"], detached: true };
  const socketPath = join(home, "run", `worker-${n}.sock`);
  const sent = request({ socketPath, method: "POST", path: "/runs" });
  sent.end(JSON.stringify({ app: APP, by: "ann", wish }));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode ?? 0;
}
