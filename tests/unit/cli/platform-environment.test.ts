import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  childEnvironment,
  readPlatform,
  remember,
} from "../../../apps/cli/platform/environment.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-env-"));
test.after.always(() => rmSync(dir, { recursive: true, force: true }));
let homes = 0;
function newHome(): string {
  homes += 1;
  return mkdtempSync(join(dir, `home-${homes}-`));
}

test("children get certificates and proxies, and nothing that changes what they run", (t) => {
  const env = childEnvironment("/project", {
    HOME: "/home/me",
    PATH: "/evil",
    LD_PRELOAD: "/evil.so",
    NODE_OPTIONS: "--require /evil.js",
    GIT_DIR: "/evil",
    HTTPS_PROXY: "http://proxy:1",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
  });
  t.deepEqual(env, {
    HOME: "/home/me",
    PATH: "/project/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HTTPS_PROXY: "http://proxy:1",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
  });
});

test("what the last up was given is remembered, and a new value wins", async (t) => {
  const home = newHome();
  await remember(
    await readPlatform("/p", { TEAL_HOME: home, TEAL_API_PORT: "9000", TEAL_ROUTERS: "2" }),
  );
  const later = await readPlatform("/p", { TEAL_HOME: home, TEAL_ROUTERS: "3" });
  t.is(later.settings.apiPort, 9000);
  t.is(later.settings.routers, 3);
  t.deepEqual(later.remembered, ["TEAL_API_PORT"]);
  t.is(later.env["TEAL_API_PORT"], "9000");
});

test("an empty variable forgets what was remembered", async (t) => {
  const home = newHome();
  await remember(await readPlatform("/p", { TEAL_HOME: home, TEAL_API_PORT: "9000" }));
  const later = await readPlatform("/p", { TEAL_HOME: home, TEAL_API_PORT: "" });
  t.is(later.settings.apiPort, 8000);
  t.deepEqual(later.remembered, []);
});

test("remembered settings are readable by their owner alone, since a Redis URL has a password", async (t) => {
  const home = newHome();
  await remember(await readPlatform("/p", { TEAL_HOME: home, TEAL_REDIS_URL: "redis://:pw@h:1" }));
  t.is(statSync(join(home, "settings.json")).mode & 0o777, 0o600);
  t.true(readFileSync(join(home, "settings.json"), "utf8").includes("pw"));
});

test("a wrong setting is named with what was expected", async (t) => {
  const error = await t.throwsAsync(
    readPlatform("/p", { TEAL_HOME: newHome(), TEAL_API_PORT: "eighty" }),
  );
  t.regex(error.message, /TEAL_API_PORT=eighty/);
});

test("damaged remembered settings are named with what to do", async (t) => {
  const home = newHome();
  writeFileSync(join(home, "settings.json"), "{");
  const error = await t.throwsAsync(readPlatform("/p", { TEAL_HOME: home }));
  t.regex(error.message, /settings\.json.*Remove it/s);
});

test("a TEAL_HOME that leaves no room for unix sockets is refused", async (t) => {
  const error = await t.throwsAsync(readPlatform("/p", { TEAL_HOME: `/${"x".repeat(100)}` }));
  t.regex(error.message, /TEAL_HOME has 101 bytes.*shorter/s);
});

test("a relative TEAL_HOME is made absolute, since the processes start elsewhere", async (t) => {
  const { settings, env } = await readPlatform("/p", { TEAL_HOME: "some/home" });
  t.is(settings.home, join(process.cwd(), "some/home"));
  t.is(env["TEAL_HOME"], settings.home);
});
