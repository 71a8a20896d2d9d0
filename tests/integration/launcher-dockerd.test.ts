import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { run } from "../../apps/cli/platform/child.ts";
import { dockerdArguments, superviseDockerd } from "../../apps/cli/platform/dockerd.ts";
import { createEngineClient } from "../../apps/cli/platform/engine.ts";
import { childEnvironment } from "../../apps/cli/platform/environment.ts";
import { poll } from "../../apps/cli/platform/poll.ts";
import { findProcess } from "../../apps/cli/platform/supervisor.ts";

const env = childEnvironment("/nowhere");
const dir = mkdtempSync(join(tmpdir(), "teal-dockerd-"));
const service = join(dir, "supervised", "dockerd");

test.after.always(async () => {
  await run("sv", ["-w", "30", "force-shutdown", service], { env });
  // With --live-restore dockerd leaves its data mounted on itself.
  await run("umount", [join(dir, "data")], { env });
  rmSync(dir, { recursive: true, force: true });
});

test.serial(
  "containers outlive dockerd, unless the machine's own settings say something about it",
  async (t) => {
    const config = join(dir, "daemon.json");
    const swarm = join(dir, "docker-state.json");
    t.deepEqual(await dockerdArguments(config, swarm), ["--live-restore"]);
    writeFileSync(config, '{ "dns": ["1.1.1.1"] }');
    t.deepEqual(await dockerdArguments(config, swarm), ["--live-restore"]);
    writeFileSync(config, '{ "live-restore": false }');
    t.deepEqual(await dockerdArguments(config, swarm), []);
    rmSync(config);
    writeFileSync(swarm, "{}");
    t.deepEqual(await dockerdArguments(config, swarm), []);
  },
);

test.serial("an engine that is not there has no version", async (t) => {
  t.is(await createEngineClient(`unix://${join(dir, "nothing.sock")}`).version(), null);
});

test.serial(
  "a dockerd of our own answers, comes back when it is killed, and is started once",
  async (t) => {
    t.timeout(120_000);
    const socket = `unix://${join(dir, "docker.sock")}`;
    const command = [
      // In a network of its own: a dockerd without a bridge removes docker0 where it finds it.
      ...["unshare", "--net", "dockerd"],
      ...["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec")],
      ...["--pidfile", join(dir, "docker.pid"), "-H", socket],
      ...["--bridge=none", "--iptables=false", "--ip-forward=false", "--live-restore"],
    ];
    const engine = createEngineClient(socket);
    const options = { dir: join(dir, "supervised"), command, env };
    const answers = async (): Promise<boolean> => (await engine.version()) !== null;
    await superviseDockerd(options);
    t.true(await poll(answers, 60_000), "it answers");
    t.true(((await engine.version())?.runc ?? "").length > 0);
    t.is(await engine.countRunning("teal.platform=nobody"), 0);

    const supervisor = await findProcess("runsv", service);
    await superviseDockerd(options);
    t.is(await findProcess("runsv", service), supervisor, "a second start changes nothing");

    const first = Number(readFileSync(join(service, "supervise", "pid"), "utf8"));
    process.kill(first, "SIGKILL");
    const back = await poll(async () => {
      const now = Number(readFileSync(join(service, "supervise", "pid"), "utf8").trim() || "0");
      return now !== 0 && now !== first && (await answers());
    }, 60_000);
    t.true(back, "it comes back");
  },
);
