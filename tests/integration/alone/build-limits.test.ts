import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { firstAnswer, startBuilder } from "../../support/builder.ts";

const MIB = 1024 ** 2;
const builder = await startBuilder({ bounds: { memory: 1024 * MIB, cpus: null } });
test.after.always(() => builder.close());

async function treeOf(dockerfile: string): Promise<string> {
  const dir = await builder.copyOf("hello-dockerfile");
  await writeFile(join(dir, "Dockerfile"), `FROM teal/base/node:24\n${dockerfile}\n`);
  return dir;
}

/** Another app of the machine, asked all the while; gives the longest time of an answer, ms. */
async function neighbour() {
  const built = await builder.build(await builder.copyOf("hello-dockerfile"));
  const { url, container } = await builder.run(built, null);
  await firstAnswer(url);
  const before = (await container.inspect()).State.StartedAt;
  let slowest = 0;
  let asked = 0;
  const stop = new AbortController();
  const asking = (async () => {
    while (!stop.signal.aborted) {
      const began = performance.now();
      const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      await answer.text();
      slowest = Math.max(slowest, performance.now() - began);
      asked++;
      await sleep(50);
    }
  })();
  return async () => {
    stop.abort();
    await asking;
    const state = (await container.inspect()).State;
    if (state.StartedAt !== before || !state.Running)
      throw new Error("the neighbour was restarted");
    return { slowest: Math.round(slowest), asked };
  };
}

async function isRunning(mark: string): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.some((line) => line.includes(mark));
}

test.serial(
  "a build that eats all memory is killed and says so; a neighbour answers all the while",
  async (t) => {
    const done = await neighbour();
    const eat = `const all = []; for (;;) all.push(Buffer.alloc(${32 * MIB}, 1))`;
    const began = performance.now();
    const error = await t.throwsAsync(builder.build(await treeOf(`RUN node -e "${eat}"`)), {
      code: "build-failed",
    });
    t.regex(
      error.message,
      /was killed: it wanted more memory than builds may use \(\d+ MiB together/,
    );
    const { slowest, asked } = await done();
    t.log(
      `ended after ${Math.round(performance.now() - began)} ms; ${asked} answers of the neighbour, the slowest after ${slowest} ms`,
    );
    t.true(asked > 3);
  },
);

test.serial(
  "a busy build that never ends is ended after its time; a neighbour answers",
  async (t) => {
    const mark = `never-${builder.namespace}`;
    const cores = availableParallelism() + 1;
    const busy = `for i in $(seq ${cores}); do node -e "for (;;);" ${mark} & done; wait`;
    const dir = await treeOf(`RUN ${busy}`);
    const done = await neighbour();
    const began = performance.now();
    const error = await t.throwsAsync(builder.build(dir, { options: { timeoutMs: 3000 } }), {
      code: "build-failed",
    });
    t.regex(error.message, /took longer than 3 s, and was ended/);
    t.true(performance.now() - began < 20_000);
    const { slowest, asked } = await done();
    t.log(`${asked} answers of the neighbour, the slowest after ${slowest} ms`);
    t.true(asked > 20, `${asked} answers`);
    t.true(slowest < 2000, `${slowest} ms`);
    for (let tries = 0; tries < 100 && (await isRunning(mark)); tries++) await sleep(100);
    t.false(await isRunning(mark));
  },
);

test.serial("an app's own limits hold for its builds, and for no other", async (t) => {
  t.timeout(120_000);
  const options = { memory: 160 * MIB, cpus: 0.2 };
  const eat = (mib: number) =>
    `RUN node -e "const all = []; for (let i = 0; i < ${mib / 8}; i++) all.push(Buffer.alloc(${8 * MIB}, 1)); setTimeout(() => {}, 300)" ${builder.namespace}`;
  const error = await t.throwsAsync(builder.build(await treeOf(eat(400)), { options }), {
    code: "build-failed",
  });
  t.regex(error.message, /was killed: each step of this app's builds may use 160 MiB/);
  await t.notThrowsAsync(builder.build(await treeOf(eat(400))), "the machine's bound is 1 GiB");

  const busy = `RUN node -e "const end = Date.now() + 3000; while (Date.now() < end); const { user, system } = process.cpuUsage(); console.log('used', Math.round((user + system) / 1000), 'ms')" ${builder.namespace}`;
  const { lines } = await builder.build(await treeOf(busy), { options });
  const used = Number(/used (\d+) ms/.exec(lines.join("\n"))?.[1]);
  t.true(used < 1500, `${used} ms of 3000`);
  const again = await builder.build(await treeOf(busy));
  t.regex(again.lines.join("\n"), /RUN node.*: cached/, "limits are in no key of the cache");
});

test.serial("a build that prints 1 GB is kept to its bound of lines and memory", async (t) => {
  t.timeout(180_000);
  const done = await neighbour();
  const before = process.memoryUsage().rss;
  // Another in every run: what the engine has in its cache prints nothing.
  const line = randomBytes(8).toString("hex").padEnd(99, "x");
  const began = performance.now();
  const built = await builder.build(
    await treeOf(`RUN yes ${line} | head -c 1000000000\nUSER app\nCMD ["node"]`),
  );
  const ms = Math.round(performance.now() - began);
  const characters = built.lines.reduce((sum, one) => sum + one.length, 0);
  const grown = Math.round((process.memoryUsage().rss - before) / MIB);
  t.true(characters < 5 * MIB, `${characters} characters`);
  t.regex(built.lines.join("\n"), /log limit|the rest is left out/);
  t.true(grown < 200, `${grown} MiB more`);
  const { slowest } = await done();
  t.log(
    `${ms} ms; ${characters} characters kept, ${grown} MiB more memory; neighbour's slowest ${slowest} ms`,
  );
});
