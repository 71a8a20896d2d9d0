import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { childEnvironment } from "../../apps/cli/platform/environment.ts";
import { fetchEnvironment, proxyArguments } from "../../workers/build-env.ts";
import { runChild } from "../../workers/base-child.ts";
import { containerSpec } from "../../workers/engine/spec.ts";
import { openConfig } from "../../apps/secrets.ts";
import { goLive, pushOf, startApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

const CANARY = "/tmp/c4n4ry-53";
/** What a loader, a shell, Node or git would obey. */
const HOSTILE: Record<string, string> = {
  LD_PRELOAD: `${CANARY}.so`,
  LD_LIBRARY_PATH: CANARY,
  NODE_OPTIONS: `--require ${CANARY}`,
  NODE_PATH: CANARY,
  PATH: CANARY,
  HOME: CANARY,
  BASH_ENV: CANARY,
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "core.fsmonitor",
  GIT_CONFIG_VALUE_0: `touch ${CANARY}`,
  GIT_EXEC_PATH: CANARY,
  GIT_SSH_COMMAND: `touch ${CANARY}`,
  GIT_EXTERNAL_DIFF: CANARY,
  DOCKER_HOST: `unix://${CANARY}`,
  npm_config_script_shell: CANARY,
};

const environOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, "utf8");

test.serial("an app's config reaches its containers, and no process of the platform", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await api.store.createApp("shop", "ann");
  const before = JSON.stringify(process.env);
  const set = await call(api, "POST", "/apps/shop/config", { body: { set: HOSTILE } });
  t.is(set.status, 202, set.text);
  await api.git.init("shop");
  const git = api.git.spawnService("shop", "receive-pack");
  try {
    await sleep(200);
    t.false(environOf(git.pid!).includes(CANARY));
    t.regex(environOf(git.pid!), /(^|\0)PATH=/);
  } finally {
    git.kill();
  }
  t.is(JSON.stringify(process.env), before);

  const { staged } = await api.store.getSettings("shop");
  const sealed = Object.fromEntries(
    Object.entries(staged).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
  const config = openConfig(api.options.secrets, { app: "shop", config: sealed });
  t.deepEqual(config, HOSTILE);
  const release = await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
  const app = (await api.store.getApp("shop"))!;
  const [instance] = await api.store.listInstances("shop");
  const spec = containerSpec({
    ...{ namespace: "teal", app, release, instance: instance!, config },
    network: { name: "teal-shop", base: 0x0ad50000 },
  });
  t.is(spec.Env?.find((line) => line.startsWith("LD_PRELOAD="))?.slice(11), HOSTILE["LD_PRELOAD"]);
});

test.serial("what a build or the launcher starts gets a constructed environment", async (t) => {
  const { PATH } = process.env;
  const given = { ...HOSTILE, PATH };
  const builds = fetchEnvironment({ ...given, HOME: "/root", HTTPS_PROXY: "http://p" }, null);
  const launched = childEnvironment(join(import.meta.dirname, "../.."), {
    ...HOSTILE,
    HOME: "/root",
  });
  for (const env of [builds, launched]) {
    const said = await runChild("env", ["-0"], {
      ...{ cwd: "/", env },
      signal: AbortSignal.timeout(10_000),
    });
    const seen = said.split("\0").map((line) => line.split("=", 1)[0]!);
    for (const name of Object.keys(HOSTILE).filter((one) => !["PATH", "HOME"].includes(one)))
      if (env !== launched || name !== "DOCKER_HOST") t.false(seen.includes(name), name);
    t.true(seen.includes("PATH") && !env["PATH"]!.includes(CANARY));
  }
  t.deepEqual(proxyArguments({ ...given, HTTPS_PROXY: "http://p" }), { HTTPS_PROXY: "http://p" });
});

test.serial("names that are the platform's own are refused as config", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  await api.store.createApp("shop", "ann");
  for (const name of ["PORT", "TEAL_HOME", "TEAL_REDIS_URL", "A=B", "A B", "a-b", "", "A\0"]) {
    const { status } = await call(api, "POST", "/apps/shop/config", {
      body: { set: { [name]: "x" } },
    });
    t.true(status >= 400 && status < 500, `${JSON.stringify(name)} ${status}`);
  }
  t.deepEqual((await api.store.getSettings("shop")).staged, {});
});
