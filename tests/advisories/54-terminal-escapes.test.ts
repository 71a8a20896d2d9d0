import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { createExecutor } from "../../workers/executor.ts";
import { openLog } from "../../workers/say.ts";
import type { Effects } from "../../workers/ports.ts";
import { goWrong, pushOf, startApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";
import { startBuilder } from "../support/builder.ts";
import { startPushWorld } from "../support/push-world.ts";
import { createTeal } from "../support/teal-cli.ts";

/** A link, a title, a cursor's movement, a return, a C1 command, a turned direction; and what is to be read of it. */
const HOSTILE =
  "good\u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007\u001b]0;owned\u001b\\\u001b[2K\u001b[1A\r\u009b31m\u202eturned";
/** All that commands a terminal, but for the end of a line; colours are taken out before. */
const COMMANDS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
const withoutColours = (text: string) => text.replaceAll(/\u001b\[[\d;]*m/g, "");

test.serial("a commit's author, subject and branch command nobody's terminal", async (t) => {
  const world = await startPushWorld();
  t.teardown(() => world.stop());
  world.play(() => ({ lines: [{ kind: "output", text: HOSTILE }], state: "live" }));
  const work = await world.repository();
  await work.git(["commit", "--quiet", "--allow-empty", "--message", HOSTILE], {
    GIT_AUTHOR_NAME: HOSTILE,
  });
  const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
  t.is(status, 0, output);
  // git itself ends each of these lines with a command of its own where there is a terminal, and with spaces here.
  const told = output.split("\n").filter((line) => line.startsWith("remote:"));
  t.true(told.some((line) => line.includes("good")));
  for (const line of told) t.notRegex(line, COMMANDS);
  const { author, subject } = await world.git.describe("shop", await work.head());
  for (const text of [author, subject, world.deploys[0]!.why]) {
    t.regex(text, /^good/);
    t.notRegex(text, COMMANDS);
    t.notRegex(text, /\n/);
  }
  const branch = await work.git(["push", world.remote("shop"), "HEAD:refs/heads/a\u202eb"]);
  t.not(branch.status, 0);
  for (const line of branch.output.split("\n").filter((one) => one.startsWith("remote:")))
    t.notRegex(line, COMMANDS);
});

test.serial("nor does what a build prints, or the step that ends it", async (t) => {
  t.timeout(60_000);
  const [api, builder] = [await startApi(), await startBuilder()];
  t.teardown(async () => {
    await builder.close();
    await api.stop();
  });
  const dir = await builder.copyOf("hello-dockerfile");
  const printed = Buffer.from(`${HOSTILE}\n`).toString("base64");
  await api.store.createApp("shop", "ann");
  // Real parts up to the build, behind which this deploy does not get.
  const effects = {
    fetchSource: async () => "a".repeat(40),
    checkout: async () => ({ dir, done: async () => {} }),
    build: (_deploy, from, _wish, work) => builder.build(from, work),
  } satisfies Partial<Effects> as unknown as Effects;
  const executor = createExecutor({
    ...{ store: api.store, effects, namespace: builder.namespace, id: "test", leaseMs: 30_000 },
    routers: { awaitHeld: async () => [], awaitFlipped: never, counts: never },
    ...{ hostsOf: () => [], urlOf: String, idleUrlOf: String, drainMs: 0 },
    ...{ watches: { open: never }, crashes: api.options.crashes },
    ...{
      reach() {},
      pause: async () => {},
      now: () => performance.now(),
      log: api.options.log,
      onRetired() {},
    },
    openLog: ({ id }) => openLog(api.deployLog, id, api.options.log, (text) => text),
  });
  let seen = 0;
  for (const step of [`RUN echo ${printed} | base64 -d; exit 3`, `COPY ["${HOSTILE}", "/"]`]) {
    await writeFile(join(dir, "Dockerfile"), `FROM teal/base/node:24\n${step}\n`);
    await api.deploys.push(pushOf("shop", "aaa"));
    await executor.work("shop");
    const [deploy] = await api.store.listDeploys("shop", 1);
    t.is(deploy?.state, "failed");
    t.regex(deploy?.error ?? "", /good/);
    t.notRegex(deploy?.error ?? "", COMMANDS);
    t.notRegex(deploy?.error ?? "", /\n/);
    for (const { text } of await api.deployLog.read(deploy!.id)) {
      t.notRegex(withoutColours(text), COMMANDS);
      t.notRegex(text, /\n/);
      if (text.includes("good")) seen += 1;
    }
  }
  t.true(seen >= 3, `${seen} lines`);
});

test.serial("an event stays one line, in the stream and at the command line", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await api.store.createApp("shop", "ann");
  const deploy = await api.deploys.push(pushOf("shop", "aaa", `${HOSTILE}\nline two`));
  t.notRegex(deploy.why, COMMANDS);
  t.notRegex(deploy.why, /\n/);
  const text = `${HOSTILE}\n\nevent: end\ndata: {}`;
  await api.deployLog.append(deploy.id, [{ kind: "output", text }]);
  await goWrong(api.store, "shop", `${HOSTILE}\nline two`);
  const stream = await fetch(`${api.url}/api/v1/deploys/${deploy.id}/log`, {
    headers: { Authorization: `Bearer ${api.tokens.read}`, Accept: "text/event-stream" },
  });
  const events = (await stream.text()).split("\n\n").filter((one) => one.includes("event:"));
  t.deepEqual(
    events.map((one) => /^event: (.*)$/m.exec(one)?.[1]),
    ["line", "line", "line", "line", "end"],
  );
  for (const event of events) t.is(event.match(/^data: /gm)?.length, 1);

  await call(api, "POST", "/tokens", { body: { name: HOSTILE.slice(0, 60), role: "read" } });
  const platform = { apiUrl: api.url, adminToken: () => api.tokens.admin, home: "/" };
  const { teal } = createTeal(platform);
  const deploys = await teal(["deploys", "-a", "shop"]);
  t.is(deploys.out.trimEnd().split("\n").length, 2, deploys.out);
  for (const args of [["deploys"], ["apps:info"], ["deploys", "--json"]]) {
    const said = await teal([...args, "-a", "shop"]);
    t.is(said.code, 0, said.err);
    t.notRegex(said.out, COMMANDS);
  }
  t.notRegex((await teal(["events"])).out, COMMANDS);
});

async function never(): Promise<never> {
  throw new Error("no router was to be asked");
}
