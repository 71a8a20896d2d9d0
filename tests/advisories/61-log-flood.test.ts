import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import test from "ava";
import { createDeployLog } from "../../apps/deploy-log.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { openLog } from "../../workers/say.ts";
import { startBuilder } from "../support/builder.ts";
import { startRedis } from "../support/redis.ts";
import { pushOf } from "../support/api.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

test("a build that prints 1 GB fills neither the store nor the memory, and another's log goes on", async (t) => {
  t.timeout(120_000);
  const [server, builder] = [await startRedis(), await startBuilder()];
  const redis = server.connect();
  const deployLog = createDeployLog(redis);
  t.teardown(async () => {
    deployLog.close();
    await builder.close();
    await server.stop();
  });
  const store = createRedisStore(redis);
  const start = async (app: string) => {
    await store.createApp(app, "ann");
    const { id } = await store.requestDeploy({ ...pushOf(app, "aaa") });
    return { id, ...openLog(deployLog, id, silent, (text) => text) };
  };
  const [loud, calm] = [await start("loud"), await start("calm")];
  const dir = await builder.copyOf("hello-dockerfile");
  const flood = "RUN yes 'a line of output that is of use to nobody at all' | head -c 1000000000";
  await writeFile(join(dir, "Dockerfile"), `FROM teal/base/node:24\n${flood}\n`);

  const before = process.memoryUsage().rss;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const slow: number[] = [];
  const ticking = setInterval(() => {
    const asked = performance.now();
    calm.say("info", "still here");
    void calm.flush().then(() => slow.push(performance.now() - asked));
  }, 50);
  await builder.build(dir, { say: loud.say, fresh: true });
  await loud.flush();
  clearInterval(ticking);
  await calm.flush();
  delay.disable();

  let [lines, characters, after] = [0, 0, ""];
  for (;;) {
    const some = await deployLog.read(loud.id, after === "" ? undefined : after);
    if (some.length === 0) break;
    lines += some.length;
    characters += some.reduce((sum, { text }) => sum + text.length, 0);
    after = some.at(-1)!.id;
  }
  const figures = `${lines} lines, ${characters} characters, ${(process.memoryUsage().rss - before) / 1e6} MB more`;
  t.log(figures, `another's line took ${Math.max(...slow).toFixed(0)} ms at most`);
  t.true(lines > 100 && lines <= 21_000, figures);
  t.true(characters < 5 * 1024 * 1024, figures);
  t.true(process.memoryUsage().rss - before < 200e6, figures);
  t.true(slow.length > 3);
  t.true(Math.max(...slow) < 2000, `${Math.max(...slow)} ms`);
});
