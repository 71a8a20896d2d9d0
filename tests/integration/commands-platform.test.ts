import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { recordCommands } from "../support/command-record.ts";
import { startPlatform, type Platform } from "../support/platform.ts";
import { watchApi, type WatchedApi } from "../support/watched-api.ts";

const run = promisify(execFile);
const FIXTURE = resolve(import.meta.dirname, "../fixtures/apps/hello-plain");

let platform: Platform;
let api: WatchedApi;
let cli: ReturnType<typeof recordCommands>;

test.before(async (t) => {
  t.timeout(60_000);
  platform = await startPlatform();
  api = await watchApi(platform);
  cli = recordCommands({ ...platform, apiUrl: api.apiUrl });
});
test.after.always(async () => {
  api?.stop();
  await platform?.stop();
});

/** Somebody with a token of their own, at their own machine: nothing but the home says who it is. */
const at = (home: string) => ({
  env: { TEAL_URL: "", TEAL_TOKEN: "", HOME: join(platform.home, home) },
});
const as = (token: string) => ({ env: { TEAL_TOKEN: token } });

/** Makes a key, and says how a command over SSH with it ends. */
async function sshKey(name: string) {
  const file = join(platform.home, `key-${name}`);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const flags = [...options, "LogLevel=ERROR", "IdentitiesOnly=yes"].flatMap((o) => ["-o", o]);
  const args = ["-F", "/dev/null", "-i", file, ...flags, "-p", String(platform.sshPort)];
  return {
    file: `${file}.pub`,
    whoami: () =>
      run("ssh", [...args, "teal@127.0.0.1", "whoami"]).then(
        ({ stdout }) => stdout,
        () => "refused",
      ),
  };
}

test.serial("apps are made and listed; a deploy that nobody has begun is cancelled", async (t) => {
  t.timeout(60_000);
  await cli.say("apps:create shop");
  const apps: any[] = await cli.say("apps:list");
  t.deepEqual(
    apps.map((one) => one.name),
    ["shop"],
  );
  platform.signal("worker-1", "SIGSTOP");
  const { id } = await cli.say("deploy --image nowhere.example.org/a:1 --no-follow -a shop");
  t.is((await cli.say(`deploys:cancel ${id}`)).state, "cancelled");
  platform.signal("worker-1", "SIGCONT");
  t.is((await platform.api("GET", `/deploys/${id}`)).body.state, "cancelled");
  const all: any[] = await cli.say("events --limit 5");
  t.true(all.some(({ app }) => app === "shop"));
  const events: any[] = await cli.say("events -a shop");
  t.deepEqual(
    events.map(({ action, outcome }) => `${action} ${outcome}`),
    ["deploys:cancel done", "deploy done", "apps:create done"],
  );
});

test.serial("users are added, invited anew, found otherwise, and removed", async (t) => {
  t.timeout(60_000);
  const { invitation } = await cli.say("users:add ann");
  const again = await cli.say("users:invite ann");
  t.not(again.invitation, invitation);
  await cli.say("users:set ann --email ann@example.org");
  t.like((await cli.say("users"))[0], { name: "ann", email: "ann@example.org" });

  const there = at("ann");
  await cli.say(`login ${api.apiUrl}`, { ...there, input: again.invitation });
  t.like(await cli.say("whoami", there), { user: "ann", url: api.apiUrl });
  // What is a user's own.
  const own = await cli.say("tokens:create --name ci --role read", there);
  t.is((await cli.say("whoami", as(own.secret))).user, "ann");
  const tokens: any[] = await cli.say("tokens", there);
  t.true(tokens.every(({ user }) => user === "ann"));
  await cli.say(`tokens:revoke ${own.id}`, there);
  t.is((await cli.teal(["whoami"], "", { TEAL_TOKEN: own.secret })).code, 3);
  const key = await sshKey("ann");
  const { fingerprint } = await cli.say(`keys:add laptop ${key.file}`, there);
  t.regex(await key.whoami(), /^ann \(read, no apps\) at ssh:/);
  t.is((await cli.say("keys", there)).length, 1);
  await cli.say(`keys:remove ${fingerprint}`, there);
  t.is(await key.whoami(), "refused");

  await cli.say("users:remove ann");
  t.is((await cli.teal(["whoami"], "", there.env)).code, 3);
  t.deepEqual(await cli.say("users"), []);
});

test.serial("tokens and keys of the platform are made, shown and ended", async (t) => {
  t.timeout(60_000);
  const { id, secret } = await cli.say("tokens:create --name ci --role deploy --app shop --ttl 7");
  t.is((await cli.say("whoami", as(secret))).role, "deploy");
  const tokens: any[] = await cli.say("tokens");
  t.like(
    tokens.find((one) => one.id === id),
    { name: "ci", apps: ["shop"] },
  );
  await cli.say(`tokens:revoke ${id}`);
  t.is((await cli.teal(["whoami"], "", { TEAL_TOKEN: secret })).code, 3);

  const key = await sshKey("admin");
  const { fingerprint } = await cli.say(`keys:add admin ${key.file} --role admin`);
  t.is(await key.whoami(), `admin (admin, all apps) at ssh://teal@127.0.0.1:${platform.sshPort}\n`);
  const keys: any[] = await cli.say("keys");
  t.true(keys.some((one) => one.fingerprint === fingerprint));
  await cli.say(`keys:remove ${fingerprint}`);
  t.is(await key.whoami(), "refused");
});

test.serial("one command line speaks to several platforms", async (t) => {
  const there = at("several");
  const input = platform.adminToken();
  await cli.say(`login ${api.apiUrl} --context watched`, { ...there, input });
  await cli.say(`login ${platform.apiUrl} --context plain`, { ...there, input });
  const inUse = async () =>
    (await cli.say("contexts", there)).find((one: any) => one.current)?.name;
  t.is(await inUse(), "plain");
  t.is((await cli.say("whoami", there)).url, platform.apiUrl);
  await cli.say("contexts:use watched", there);
  t.is((await cli.say("whoami", there)).url, api.apiUrl);
  t.is((await cli.say("whoami --context plain", there)).url, platform.apiUrl);
  await cli.say("contexts:remove plain", there);
  await cli.say("logout", there);
  t.deepEqual(await cli.say("contexts", there), []);
  const file = join(there.env.HOME, ".config/teal/contexts.json");
  t.false(readFileSync(file, "utf8").includes(input));
});

test.serial("registries, garbage, and what the command line knows by itself", async (t) => {
  t.timeout(60_000);
  const input = "s3cret-of-the-registry";
  await cli.say("registry:login ghcr.io -u ann", { input });
  const logins = await cli.say("registry");
  t.like(logins[0], { host: "ghcr.io", username: "ann" });
  t.false(JSON.stringify(logins).includes(input));
  await cli.say("registry:logout ghcr.io");
  t.deepEqual(await cli.say("registry"), []);

  const would = await cli.say("gc --dry-run");
  t.deepEqual(would.failed, []);
  t.true(would.freeAfter > 0);
  t.deepEqual((await cli.say("gc")).failed, []);

  t.like(await cli.say(`build:plan ${FIXTURE}`), { buildpack: "node" });
  const { version } = JSON.parse(
    readFileSync(resolve(FIXTURE, "../../../../package.json"), "utf8"),
  );
  t.deepEqual(await cli.say("version"), { version });
  t.like((await cli.say("help rollback"))[0], { name: "rollback" });
  t.regex((await cli.say("completion bash")).completes, /^complete .* teal$/m);
});

test.serial("each way to fail ends with its code", async (t) => {
  t.timeout(60_000);
  const { secret } = await cli.say("tokens:create --name rea --role read --app shop");
  const code = async (line: string, env: Record<string, string> = {}) =>
    (await cli.teal(line.split(" "), "", env)).code;
  const expected: Record<number, string[]> = {
    2: ["apps:create Shop", "tokens:create --name x --role king", "users:add -x", "completion dos"],
    4: ["tokens:revoke 0000", "users:remove nobody", "contexts:use nowhere", "registry:logout a.b"],
    5: ["apps:create shop"],
  };
  for (const [wanted, lines] of Object.entries(expected))
    for (const line of lines) t.is(await code(line), Number(wanted), line);
  for (const line of ["apps:create other", "users", "tokens", "keys", "gc", "registry"])
    t.is(await code(line, { TEAL_TOKEN: secret }), 3, line);
  t.is(await code("apps:list", { TEAL_URL: "http://127.0.0.1:1" }), 1);
  t.is(await code("apps:list", { TEAL_TOKEN: "teal_nobody" }), 3);
});

test.serial("with that, every command that is about no app has been run", (t) => {
  t.deepEqual(
    cli.missing((one) => one.app !== true),
    [],
  );
});

test.serial("and every route that is about no app has answered as the document says", async (t) => {
  const headers = { authorization: `Bearer ${platform.adminToken()}` };
  const ask = async (path: string, method = "GET") =>
    (await fetch(`${api.apiUrl}/api/v1${path}`, { method, headers })).json() as Promise<any>;
  // Those that no command needs.
  t.is((await ask("/health")).status, "ok");
  t.is((await ask("/openapi.json")).openapi, "3.1.0");
  const { id } = await ask("/gc", "POST");
  t.is((await ask(`/gc/${id}`)).id, id);
  const answered = new Set(api.answered());
  t.deepEqual(
    api.routes.filter((one) => !/\{app\}|\{deploy\}/.test(one) && !answered.has(one)),
    [],
  );
  t.deepEqual(api.faults, []);
});
