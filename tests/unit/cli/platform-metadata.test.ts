import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readPlatform } from "../../../apps/cli/platform/environment.ts";
import { checkMetadata, leaveMetadata } from "../../../apps/cli/platform/metadata.ts";
import { chainOf, raiseWall, removeWall, wallOf, wallStands } from "../../../apps/metadata-wall.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const dir = mkdtempSync(join(tmpdir(), "teal-metadata-"));
const namespace = `tealtest-m${process.pid}`;
const chain = chainOf(namespace);
const pool = "198.51.100.0/24";
test.after.always(async () => {
  await removeWall(chain);
  rmSync(dir, { recursive: true, force: true });
});

const platformWith = (env: Record<string, string> = {}) =>
  readPlatform(root, {
    TEAL_HOME: dir,
    TEAL_NAMESPACE: namespace,
    TEAL_NETWORK_POOL: pool,
    ...env,
  });

test.serial(
  "the doctor says whether the cloud's metadata is shut, and how to shut it",
  async (t) => {
    const before = await checkMetadata(await platformWith());
    t.is(before.level, "good");
    t.regex(before.says, /'teal up' shuts it/);
    await raiseWall(wallOf(namespace, pool, "docker0"));
    t.regex((await checkMetadata(await platformWith())).says, /out of reach/);
    const open = await checkMetadata(await platformWith({ TEAL_ALLOW_METADATA: "1" }));
    t.regex(open.says, /as TEAL_ALLOW_METADATA=1 says/);
    const far = await checkMetadata(await platformWith({ DOCKER_HOST: "tcp://192.0.2.1:2375" }));
    t.is(far.level, "warn");
    t.regex(far.says, /another machine.*iptables -t raw -I PREROUTING -s 198\.51\.100\.0\/24/);
  },
);

test.serial("an engine without root and a machine without iptables are warned of", async (t) => {
  const socket = join(dir, "engine.sock");
  const engine = createServer((_, res) =>
    res.end(JSON.stringify({ SecurityOptions: ["name=seccomp,profile=default", "name=rootless"] })),
  ).listen(socket);
  await once(engine, "listening");
  const rootless = await checkMetadata(await platformWith({ DOCKER_HOST: `unix://${socket}` }));
  engine.close();
  t.is(rootless.level, "warn");
  t.regex(rootless.says, /without root.*hop limit/);
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  const bare = await checkMetadata(await platformWith()).finally(
    () => (process.env["PATH"] = path),
  );
  t.is(bare.level, "warn");
  t.regex(bare.says, /ENOENT.*apt-get install -y iptables/);
});

test.serial("down opens it again once no app runs", async (t) => {
  await raiseWall(wallOf(namespace, pool, "docker0"));
  await leaveMetadata(await platformWith({ DOCKER_HOST: `unix://${dir}/nobody.sock` }));
  t.true(await wallStands(chain), "apps may run on beneath an engine that does not answer");
  await leaveMetadata(await platformWith());
  t.false(await wallStands(chain));
  t.notRegex(execFileSync("ip6tables", ["-t", "raw", "-S"], { encoding: "utf8" }), RegExp(chain));
});
