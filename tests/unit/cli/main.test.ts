import test from "ava";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { goLive, goWrong, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { CLI, runCli } from "../../support/run-cli.ts";

let api: TestApi;
let dir: string;
test.before(async () => {
  api = await startApi();
  dir = mkdtempSync(join(tmpdir(), "teal-cli-"));
});
test.after.always(async () => {
  await api.stop();
  rmSync(dir, { recursive: true, force: true });
});

function teal(
  args: string[],
  {
    env = {},
    cwd = dir,
    input = "",
  }: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
) {
  const given = { HOME: dir, TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin, ...env };
  return runCli(args, { env: given, cwd, input });
}

async function appWith(name: string, commits: string[]) {
  await api.store.createApp(name, "ann");
  for (const commit of commits)
    await goLive(api.store, name, await api.deploys.push(pushOf(name, commit)));
}

/** The next deploy that is queued, looked for at most 30 s. */
async function nextQueued(app: string) {
  for (let tries = 0; tries < 300; tries++) {
    const [newest] = await api.store.listDeploys(app, 1);
    if (newest?.state === "queued") return newest;
    await sleep(100);
  }
  throw new Error(`nothing was queued for ${app}`);
}

test("apps are created, listed and destroyed", async (t) => {
  t.regex((await teal(["apps:create", "made"])).stdout, /http:\/\/made\.teal\.test:8080/);
  const list = await teal(["apps", "--json"]);
  t.true(JSON.parse(list.stdout).some((app: { name: string }) => app.name === "made"));
  t.regex((await teal(["apps:info", "-a", "made"])).stdout, /live +-/);
  t.is((await teal(["open", "-a", "made", "--idle"])).code, 4);
  t.is((await teal(["apps:destroy", "-a", "made"])).code, 2);
  t.is((await teal(["apps:destroy", "-a", "made", "--confirm", "maid"])).code, 2);
  t.is((await teal(["apps:destroy", "-a", "made", "--confirm", "made"])).code, 0);
});

test("releases:info says which buildpacks were fetched, and why an image is kept", async (t) => {
  await api.store.createApp("packed", "ann");
  const deploy = await api.deploys.push(pushOf("packed", "a".repeat(40)));
  const buildpack = `https://example.com/pack#${"b".repeat(40)}`;
  await goLive(api.store, "packed", deploy, { buildpacks: [buildpack] });
  const info = await teal(["releases:info", "v1", "-a", "packed"]);
  t.true(
    info.stdout.split("\n").some((line) => /^buildpack +/.test(line) && line.includes(buildpack)),
  );
  t.regex(info.stdout, /retention +kept: it is live\n/);
  const json = JSON.parse((await teal(["releases:info", "v1", "-a", "packed", "--json"])).stdout);
  t.deepEqual(json.buildpacks, [buildpack]);
});

test("releases are a table: number, status, colour, commit, from, by, when", async (t) => {
  await appWith("table", ["aaaaaaa", "bbbbbbb", "ccccccc"]);
  const { stdout, code } = await teal(["releases", "-a", "table"]);
  t.is(code, 0);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(/ {2,}/).slice(0, 6));
  const url = "http://idle--table.teal.test:8080/";
  t.deepEqual(rows.pop(), [`The warm release answers at ${url}`]);
  t.is((await teal(["open", "--idle", "-a", "table"])).stdout, `${url}\n`);
  t.is((await teal(["open", "-a", "table"])).stdout, "http://table.teal.test:8080/\n");
  t.deepEqual(rows, [
    ["RELEASE", "STATUS", "COLOUR", "COMMIT", "FROM", "BY"],
    ["v3", "live", "blue", "ccccccc", "push", "ann"],
    ["v2", "warm", "green", "bbbbbbb", "push", "ann"],
    ["v1", "kept", "-", "aaaaaaa", "push", "ann"],
  ]);
  t.regex((await teal(["releases:info", "v2", "-a", "table"])).stdout, /status +warm/);
  t.regex((await teal(["ps", "-a", "table"])).stdout, /web\.1 +green +v2 +standby/);
  t.regex((await teal(["deploys", "-a", "table"])).stdout, /table-3 +live +push +v3/);
});

test("a rollback follows its deploy to the end, and says how long it took", async (t) => {
  await appWith("back", ["aaa", "bbb"]);
  const running = teal(["rollback", "-a", "back", "--why", "prices"]);
  const deploy = await nextQueued("back");
  t.is(deploy.why, "prices");
  await api.deployLog.append(deploy.id, [{ kind: "step", text: "Swap" }]);
  await goLive(api.store, "back", deploy);
  const { stdout, code } = await running;
  t.is(code, 0);
  t.regex(stdout, /^-----> Swap$/m);
  t.regex(stdout, /^back v3 \(back to v1\) is live after [\d.]+ m?s$/m);
});

test("a rollback that fails ends with 1 and its reason", async (t) => {
  await appWith("fails", ["aaa", "bbb"]);
  const running = teal(["rollback", "v1", "-a", "fails"]);
  await nextQueued("fails");
  await goWrong(api.store, "fails", "nobody listens on port 5000");
  const { stderr, code } = await running;
  t.is(code, 1);
  t.regex(stderr, /fails-3 failed after .*: nobody listens on port 5000/);
});

test("with --no-follow a rollback returns at once, and can be cancelled and looked at", async (t) => {
  await appWith("later", ["aaa", "bbb"]);
  const { stdout } = await teal(["rollback", "-a", "later", "--no-follow", "--json"]);
  const { id } = JSON.parse(stdout);
  t.is((await teal(["deploys:cancel", id])).code, 0);
  t.is((await teal(["deploys:cancel", id])).code, 5);
  t.is((await teal(["logs", "--deploy", id, "-f"])).code, 1);
  t.is((await teal(["logs", "--deploy", id])).code, 0);
});

test("without an id what runs is cancelled, then what is queued, and then nothing is left", async (t) => {
  await appWith("busy", ["aaa", "bbb"]);
  const cancel = ["deploys:cancel", "-a", "busy", "--json"];
  await teal(["rollback", "-a", "busy", "--no-follow"]);
  const taken = await api.store.claim("busy", "test", 10_000);
  await teal(["ps:scale", "web=2", "-a", "busy", "--no-follow"]);
  const first = JSON.parse((await teal(cancel)).stdout);
  t.like(first, { id: "busy-3", kind: "rollback", state: "running", cancelRequested: true });
  await api.store.finishDeploy(taken!.claim, first.id, "cancelled", "by the test");
  t.like(JSON.parse((await teal(cancel)).stdout), { kind: "scale", state: "cancelled" });
  const none = await teal(["deploys:cancel", "-a", "busy"]);
  t.is(none.code, 5);
  t.regex(none.stderr, /busy has no deploy that is queued or runs/);
  t.is((await teal(["deploys:cancel", "-a", "nowhere"])).code, 4);
});

test("each kind of failure has its exit code, and both sentences on standard error", async (t) => {
  const cases: [string[], NodeJS.ProcessEnv, number, RegExp][] = [
    [["nonsense"], {}, 2, /no command 'nonsense'/],
    [["rollback", "vX", "-a", "shop"], {}, 2, /such as v3/],
    [["whoami"], { TEAL_TOKEN: "teal_no" }, 3, /valid token was expected/],
    [["tokens"], { TEAL_TOKEN: api.tokens.deploy }, 3, /dora may not/],
    [["releases", "-a", "nosuch"], {}, 4, /no app named nosuch/],
    [["logs", "--deploy", "nosuch-1", "-f"], {}, 4, /no deploy nosuch-1/],
    [["apps"], { TEAL_URL: "http://127.0.0.1:1" }, 1, /No platform answers/],
    [["apps"], { TEAL_URL: "nonsense" }, 1, /an address such as/],
  ];
  for (const [args, env, code, says] of cases) {
    const ran = await teal(args, { env });
    t.is(ran.code, code, args.join(" "));
    t.regex(ran.stderr, says);
    t.is(ran.stdout, "");
  }
  const json = await teal(["releases", "-a", "nosuch", "--json"]);
  t.is(JSON.parse(json.stderr).error.code, "app-not-found");
});

test("a command leaves nothing behind where it has no home", async (t) => {
  const home = join(dir, "no-home");
  t.is((await teal(["version"], { env: { HOME: home } })).code, 0);
  t.false(existsSync(home));
});

test("the app is inferred from the git remote named deploy, in a worktree too", async (t) => {
  await appWith("inferred", ["aaa"]);
  const repo = join(dir, "repo");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", repo, "-c", "user.name=a", "-c", "user.email=a@b", ...args]);
  execFileSync("git", ["init", "-q", repo]);
  git("remote", "add", "deploy", `${api.url}/git/inferred.git`);
  git("commit", "-q", "--allow-empty", "-m", "one");
  git("worktree", "add", "-q", join(dir, "tree"));
  for (const cwd of [repo, join(dir, "tree")]) {
    t.regex((await teal(["apps:info"], { cwd })).stdout, /app +inferred/);
  }
  t.is((await teal(["apps:info"], { cwd: dir })).code, 2);
});

test("keys are read from a file or standard input; a private key is not sent, nor shown", async (t) => {
  const line =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mbCFSr+2r0Gr8GQpTFKNSBrsYZQKhLvLCm1u6AVjE ann@laptop";
  writeFileSync(join(dir, "id.pub"), `${line}\n`);
  const added = await teal(["keys:add", "ann", "id.pub", "--apps", "shop"]);
  t.is(added.code, 0, added.stderr);
  const [fingerprint = ""] = /SHA256:\S+/.exec(added.stdout) ?? [];
  t.regex((await teal(["keys"])).stdout, /ann +deploy +shop/);
  t.is((await teal(["keys:add", "ann", "-"], { input: line })).code, 0);
  t.is((await teal(["keys:remove", fingerprint])).code, 0);
  t.is((await teal(["keys:remove", fingerprint])).code, 4);
  writeFileSync(join(dir, "id"), "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n");
  const wrong = await teal(["keys:add", "ann", "id"]);
  t.is(wrong.code, 2);
  t.false(wrong.stderr.includes("c2VjcmV0"));
  t.is((await teal(["keys:add", "ann", "missing.pub"])).code, 2);
  const overSsh = await teal(["keys:add", "ann", "id.pub"], { env: { TEAL_OVER_SSH: "1" } });
  t.is(overSsh.code, 2);
  t.regex(overSsh.stderr, /standard input/);
});

test("a token is made for an app, used, and revoked; only its secret is on standard output", async (t) => {
  const made = await teal([
    "tokens:create",
    "--name",
    "ci",
    "--role",
    "read",
    "--app",
    "shop",
    "--ttl",
    "7",
  ]);
  const secret = made.stdout.trim();
  t.regex(secret, /^teal_\S+$/);
  t.regex(
    (await teal(["whoami"], { env: { TEAL_TOKEN: secret } })).stdout,
    /^ci \(read, shop\) at http/,
  );
  const tokens = JSON.parse((await teal(["tokens", "--json"])).stdout) as {
    id: string;
    name: string;
  }[];
  const { id = "" } = tokens.find((one) => one.name === "ci") ?? {};
  t.is((await teal(["tokens:revoke", id])).code, 0);
  t.is((await teal(["whoami"], { env: { TEAL_TOKEN: secret } })).code, 3);
  t.is((await teal(["tokens:create", "--name", "x"])).code, 2);
});

test("events lists what was done, of one app or of all, and follows it as JSON lines", async (t) => {
  await appWith("evented", ["aaa"]);
  await teal(["hold:on", "-a", "evented"]);
  const listed = await teal(["events", "-a", "evented"]);
  t.is(listed.code, 0, listed.stderr);
  t.regex(listed.stdout, /ann +evented +hold +done .*hold true/);
  const json = JSON.parse((await teal(["events", "--json", "--limit", "200"])).stdout);
  t.true(json.some((event: any) => event.app === "evented" && event.action === "hold"));
  const child = execFile(process.execPath, [CLI, "events", "-a", "evented", "-f", "--json"], {
    env: { PATH: process.env["PATH"], HOME: dir, TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin },
  });
  let got = "";
  child.stdout?.on("data", (chunk) => (got += chunk));
  for (let i = 0; i < 100 && !got.includes('"hold"'); i++) await sleep(100);
  await teal(["hold:off", "-a", "evented"]);
  for (let i = 0; i < 100 && got.trim().split("\n").length < 2; i++) await sleep(100);
  child.kill();
  const last = JSON.parse(got.trim().split("\n").at(-1)!);
  t.like(last, { action: "hold", detail: { hold: "false" } });
});

test("users are added, get a role with an app, make a token of their own, and are removed", async (t) => {
  await appWith("peopled", ["aaa"]);
  const added = await teal(["users:add", "cleo", "--email", "Cleo@example.org"]);
  t.is(added.code, 0, added.stderr);
  const invitation = /^tealinvite_\S+$/m.exec(added.stdout)?.[0];
  t.truthy(invitation);
  t.is((await teal(["access:add", "cleo", "-a", "peopled"])).code, 0);
  t.regex((await teal(["access", "-a", "peopled"])).stdout, /cleo +deploy/);
  t.regex((await teal(["users"])).stdout, /cleo +member +cleo@example.org .* peopled \(deploy\)/);
  const { secret } = await api.access.createToken({
    name: "l",
    user: "cleo",
    role: "admin",
    apps: "*",
  });
  const env = { TEAL_TOKEN: secret };
  const made = await teal(["tokens:create", "--name", "ci", "--role", "read"], { env });
  t.is(made.code, 0, made.stderr);
  const own = JSON.parse((await teal(["tokens", "--json"], { env })).stdout);
  t.deepEqual(
    own.map((token: any) => token.user),
    ["cleo", "cleo"],
  );
  t.is((await teal(["users"], { env })).code, 3);
  t.is((await teal(["access:remove", "cleo", "-a", "peopled"])).code, 0);
  t.is((await teal(["users:remove", "cleo"])).code, 0);
  t.is((await teal(["whoami"], { env })).code, 3);
});
