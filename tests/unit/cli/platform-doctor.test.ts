import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { doctor } from "../../../apps/cli/platform/doctor.ts";
import { compareVersions, judgeRunc } from "../../../apps/cli/platform/doctor-judge.ts";
import { readPlatform } from "../../../apps/cli/platform/environment.ts";
import { installCommand, isDebian, missingPackages } from "../../../apps/cli/platform/packages.ts";
import { listener, requireFreePorts, takenPorts } from "../../../apps/cli/platform/ports.ts";
import { startRedis } from "../../support/redis.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const dir = mkdtempSync(join(tmpdir(), "teal-doctor-"));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));

test("versions are compared by number, and a distribution's suffix does not count", (t) => {
  t.true(compareVersions("1.1.5+ds1", "1.1.12") < 0);
  t.true(compareVersions("1.1.12", "1.1.5+ds1") > 0);
  t.is(compareVersions("1.2", "1.2.0"), 0);
  t.true(compareVersions("v24.1.0", "24") > 0);
});

test("the doctor warns of a runc that containers can break out of", (t) => {
  t.is(judgeRunc("1.1.11").level, "warn");
  t.regex(judgeRunc("1.1.11").says, /CVE-2024-21626/);
  for (const old of ["1.1.12", "1.2.7", "1.3.0-rc.1", "1.3.2"]) {
    t.is(judgeRunc(old).level, "warn", old);
    t.regex(judgeRunc(old).says, /CVE-2025-31133/);
    t.notRegex(judgeRunc(old).says, /container may break out of it \(CVE-2024/);
  }
  for (const mended of ["1.2.8", "1.3.3", "1.4.0", "2.0.0"]) t.is(judgeRunc(mended).level, "good");
  t.is(judgeRunc(null).level, "warn");
});

test("the doctor finds a Redis that forgets, and a home that is open to others", async (t) => {
  const redis = await startRedis();
  chmodSync(dir, 0o755);
  const findings = await doctor(
    await readPlatform(root, { TEAL_HOME: dir, TEAL_REDIS_URL: redis.url, PATH: "" }),
  );
  await redis.stop();
  t.true(
    findings.some(
      ({ what, level, says }) => what === "Redis" && level === "bad" && /appendonly/.test(says),
    ),
  );
  t.true(
    findings.some(
      ({ what, level, says }) => what === "TEAL_HOME" && level === "bad" && /chmod 700/.test(says),
    ),
  );
  for (const what of ["node", "git", "disk", "memory", "time"]) {
    t.true(
      findings.some((finding) => finding.what === what),
      what,
    );
  }
});

test("a port that somebody else has is named with the process and the setting", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const use = { setting: "TEAL_API_PORT", what: "API", port };
  const owner = (await listener(port)) ?? "";
  t.regex(owner, new RegExp(`\\(process ${process.pid}\\)`));
  const error = await t.throwsAsync(requireFreePorts([use], "0.0.0.0"));
  t.true(error.message.includes(`TEAL_API_PORT=${port + 1}`));
  t.true(error.message.includes(owner));
  server.close();
  await once(server, "close");
  t.deepEqual(await takenPorts([use], "0.0.0.0"), []);
});

test("an address that this machine has not is told as such", async (t) => {
  const [taken] = await takenPorts([{ setting: "X", what: "x", port: 1 }], "192.0.2.1");
  t.is(taken?.reason, "EADDRNOTAVAIL");
});

test("packages are missing when none of their programs is in PATH", async (t) => {
  const needs = { engineAnswers: false, ownRedis: true };
  const missing = await missingPackages("/nowhere", needs);
  for (const name of ["docker.io", "iptables", "redis-server", "runit", "debootstrap", "git"]) {
    t.true(missing.includes(name), name);
  }
  const less = await missingPackages("/nowhere", { engineAnswers: true, ownRedis: false });
  t.false(less.includes("docker.io"));
  t.false(less.includes("iptables"));
  t.false(less.includes("redis-server"));
  t.deepEqual(
    await missingPackages(process.env["PATH"] ?? "", { engineAnswers: true, ownRedis: true }),
    [],
  );
});

test("the command for the person names the packages", (t) => {
  t.is(
    installCommand(["runit", "git"]),
    "apt-get update && apt-get install -y --no-install-recommends runit git",
  );
});

test("Debian and what is derived from it are known by os-release", (t) => {
  t.true(isDebian("ID=debian\n"));
  t.true(isDebian('NAME="Pop"\nID=pop\nID_LIKE="ubuntu debian"\n'));
  t.false(isDebian("ID=fedora\nID_LIKE=\n"));
  t.false(isDebian(""));
});
