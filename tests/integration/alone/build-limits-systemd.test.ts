import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import Docker from "dockerode";
import { startBuilder } from "../../support/builder.ts";
import { startOwnDockerd } from "../../support/own-dockerd.ts";

const MIB = 1024 ** 2;
const BASE = "teal/base/debian:bookworm";

/** Debian's way with systemd: steps have no group in common there. */
const prepare = await startBuilder();
await prepare.bases.ensureNamed(BASE, () => {}, new AbortController().signal);
const dockerd = await startOwnDockerd([BASE], ["--exec-opt", "native.cgroupdriver=systemd"]);
const engine = new Docker({ socketPath: dockerd.host.replace("unix://", "") });
const builder = await startBuilder({ engine, bounds: { memory: 300 * MIB, cpus: 1 } });
test.after.always(async () => {
  await builder.close();
  await dockerd.stop();
  await prepare.close();
});

const mark = () => randomBytes(4).toString("hex");

/** Another text in every run, so that nothing comes from the cache. */
async function treeOf(command: string): Promise<string> {
  const dir = await builder.copyOf("hello-dockerfile");
  const run = JSON.stringify(["bash", "-o", "pipefail", "-c", command, mark()]);
  const dockerfile = `FROM ${BASE}\nRUN ${run}\nCMD ["x"]\n`;
  await writeFile(join(dir, "Dockerfile"), dockerfile);
  return dir;
}

/** Keeps what it reads, 100 MiB in a second or so: it is found before it has it all. */
const eat = (mib: number) =>
  `for i in $(seq ${mib / 10}); do head -c 10485760 /dev/zero; sleep 0.05; done | tail -c 10000000000 | wc -c`;

test.serial("with systemd's driver the bound on all builds holds for each step", async (t) => {
  t.is(((await engine.info()) as { CgroupDriver: string }).CgroupDriver, "systemd");
  const error = await t.throwsAsync(builder.build(await treeOf(eat(600))), {
    code: "build-failed",
  });
  t.log(error.message);
  t.regex(
    error.message,
    /was killed: it wanted more memory than builds may use \(300 MiB each step/,
  );
  const { lines } = await builder.build(await treeOf(eat(100)));
  t.regex(lines.join("\n"), /104857600/);
});

test.serial("with systemd's driver an app's own limits hold for its steps", async (t) => {
  const options = { memory: 80 * MIB, cpus: 0.2 };
  const error = await t.throwsAsync(builder.build(await treeOf(eat(200)), { options }), {
    code: "build-failed",
  });
  t.regex(error.message, /was killed: each step of this app's builds may use 80 MiB/);

  const busy = `timeout 3 bash -c 'while :; do :; done'; times`;
  const { lines } = await builder.build(await treeOf(busy), { options });
  // Of the shell itself, and of what it started: "0m0.003s 0m0.004s", twice.
  const seconds = Number(
    /^output: +\d+m[\d.]+s \d+m[\d.]+s\noutput: +0m([\d.]+)s/m.exec(lines.join("\n"))?.[1],
  );
  t.true(seconds > 0.1 && seconds < 1.5, `${seconds} s of 3`);
});
