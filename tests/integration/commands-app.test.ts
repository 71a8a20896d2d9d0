import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { HOST, startAppWorld } from "../support/app-world.ts";
import { createIssuer } from "../support/certificates.ts";
import { runningOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { NOT_FOR_READERS, waysToFail } from "../support/ways-to-fail.ts";
import { deliver } from "../support/webhook.ts";

const DOMAIN = "www.shop.test";

let world: Awaited<ReturnType<typeof startAppWorld>>;
test.before(async (t) => {
  t.timeout(120_000);
  // Where certificates are ordered nobody answers: that they are is what is asked here.
  const acme = { TEAL_ACME: "on", TEAL_ACME_DIRECTORY: "https://127.0.0.1:9/directory" };
  world = await startAppWorld({ TEAL_DRAIN: "1", TEAL_ALLOW_PRIVATE_FETCH: "1", ...acme });
});
test.after.always(() => world?.stop());

test.serial("what is said before a first push holds from the first version on", async (t) => {
  const { cli, repo, say, send, live, value } = world;
  t.timeout(90_000);
  await cli.say("apps:create shop");
  await say("config:set GREETING=hello LIMIT=3");
  await say("config:import -", 'FROM_FILE="a b"\n');
  await say("limits:set web.memory=128M");
  await say("ps:scale web=2 worker=0");
  await say(`domains:add ${DOMAIN}`);
  await say("routing:set max-body=1kb");
  await say("maintenance:on --page -", "<h1>Back soon</h1>");
  await say("pages:set 502 -", "<h1>Sorry</h1>");
  await say("storage:add data:/data --overlap yes");
  await say("build:set arg.COLOUR=red");
  await say("build:env GREETING");
  await say("guard:off");
  const cron = [{ command: "true", schedule: "0 4 * * *" }];
  const pushed = await repo.push({ "app.json": JSON.stringify({ cron }) });
  t.is(pushed.status, 0, pushed.text);

  t.deepEqual(await send("/"), { status: 503, body: "<h1>Back soon</h1>" });
  await say("maintenance:off");
  t.is(await value("GREETING"), "hello");
  t.is(await value("FROM_FILE"), "a b");
  t.is((await send("/", DOMAIN)).status, 200);
  t.is((await send("/", HOST, "x".repeat(2000))).status, 413);
  t.deepEqual(await live(), ["web.1", "web.2"]);
  const [inspected]: any[] = await say("ps:inspect web.1");
  t.is(inspected.container.limits.memory, 128 * 1024 * 1024);
  t.deepEqual(await say("build"), { "arg.COLOUR": "red", "env.GREETING": "on" });
  t.is(await say('enter web.1 "echo kept > /data/f; cat /data/f"'), "kept\n");
  t.is(await say('run "cat /data/f"'), "kept\n");
});

test.serial("what is asked about it is answered", async (t) => {
  const { platform, say, words } = world;
  t.timeout(60_000);
  t.like(await say("apps:info"), { name: "shop", live: { release: 1 }, domains: [DOMAIN] });
  t.is(await words("config:get LIMIT"), "3\n");
  t.is((await say("config:get LIMIT")).value, "3");
  t.regex(await words("config:export"), /^FROM_FILE="?'?a b/m);
  t.is((await say("config:export")).FROM_FILE, "a b");
  t.regex(await words("config"), /LIMIT +live +\*+/);
  t.is((await say("config")).length, 3);
  t.like((await say("domains")).domains, [DOMAIN]);
  t.is((await say("routing")).routing.maxBodyBytes, 1024);
  t.like(await say("limits"), { web: { memory: 128 } });
  t.like((await say("storage"))[0], { source: "data", target: "/data" });
  t.like((await say("cron"))[0], { command: "true", schedule: "0 4 * * *" });
  t.like((await say("checks"))[0], { process: "web" });
  t.deepEqual(await say("ps:crashes"), []);
  const found: { about: string }[] = (await say("doctor")).findings;
  // How full the disk is is the machine's.
  t.deepEqual(
    found.filter(({ about }) => about !== "disk of data"),
    [],
  );
  t.is((await say("guard")).limits, null);
  t.is((await say("releases")).length, 1);
  t.like(await say("releases:info v1"), { n: 1, status: "live" });
  t.like((await say("deploys"))[0], { state: "live" });
  t.regex(await words("logs --source teal"), /web\.1 started/);
  t.is((await say("open")).url, `http://${HOST}:${platform.routerPort}/`);
  const { id } = await say('run:detached "echo alone"');
  await until(20_000, async () => /alone/.test(await words(`logs --ps run.${id}`)));
  t.like(await say(`logs --ps run.${id}`), { from: `run.${id}`, text: "alone" });
});

test.serial("what runs is scaled, restarted, stopped, started, and changed", async (t) => {
  const { platform, cli, say, send, live, value } = world;
  t.timeout(120_000);
  await say("ps:scale web=1 worker=1");
  t.deepEqual(await live(), ["web.1", "worker.1"]);
  const before = await runningOf(platform.namespace);
  await say("ps:restart");
  const after = await runningOf(platform.namespace);
  t.true(after.some((name) => !before.includes(name)));
  await say("ps:stop");
  t.deepEqual(await runningOf(platform.namespace), []);
  t.is((await send("/")).status, 503);
  await say("ps:start");
  t.is((await send("/")).status, 200);
  await say("config:unset GREETING");
  t.is(await value("GREETING"), "(unset)");
  await say("ps:handover worker=drain");
  t.deepEqual(await say("ps:handover"), [{ type: "worker", handover: "drain", because: "" }]);
  await say("storage:remove data");
  t.not((await cli.teal(["run", "-a", "shop", "cat /data/f"])).code, 0);
  await say(`domains:remove ${DOMAIN}`);
  t.is((await send("/", DOMAIN)).status, 404);
  await say("routing:unset max-body");
  t.is((await send("/", HOST, "x".repeat(2000))).status, 200);
  t.deepEqual(Object.keys((await say("routing")).pages).toSorted(), ["502", "maintenance"]);
  await say("pages:unset 502");
  t.deepEqual(Object.keys((await say("routing")).pages), ["maintenance"]);
});

test.serial("releases are made, held, promoted, thrown away and gone back to", async (t) => {
  const { platform, cli, repo, say, codeOf } = world;
  t.timeout(150_000);
  const become = (code: string) => {
    const file = join(repo.dir, "server.js");
    writeFileSync(file, readFileSync(file, "utf8").replace(/code: "\w+"/, `code: "${code}"`));
  };
  become("two");
  await say(`deploy ${repo.dir} --why "a folder"`);
  t.is(await codeOf(), "two");
  const [{ n: two }, { n: one }]: any[] = await say("releases");
  t.truthy((await say(`releases:diff v${one} v${two}`)).commit.to);
  await say("rollback");
  t.is(await codeOf(), "one");
  await say("rollback");
  t.is(await codeOf(), "two");

  await say(`releases:irreversible v${two}`);
  t.is((await cli.teal(["rollback", `v${one}`, "-a", "shop"])).code, 5);
  await say(`releases:irreversible v${two} --off`);
  t.is((await say(`sbom v${two}`)).bomFormat, "CycloneDX");
  await say("retention:set keep=5");
  t.is((await say("retention")).keep, 5);

  await say("hold:on");
  become("three");
  t.is((await repo.push()).status, 0);
  t.is(await codeOf(), "two");
  t.is(await codeOf(`idle--${HOST}`), "three");
  await say("abort");
  t.is((await say("apps:info")).held, null);
  await say("deploy --ref main");
  await say("promote");
  t.is(await codeOf(), "three");
  await say("hold:off");
  t.is((await say("apps:info")).hold, false);

  platform.signal("worker-1", "SIGSTOP");
  const { id } = await say("ps:restart --no-follow");
  t.is((await say("deploys:cancel")).id, id);
  platform.signal("worker-1", "SIGCONT");
  t.is((await platform.api("GET", `/deploys/${id}`)).body.state, "cancelled");
});

test.serial(
  "what fails, is wrong, not allowed, not there or in the way ends with its code",
  async (t) => {
    const { platform, cli, say } = world;
    t.timeout(120_000);
    const reader = { name: "rea", role: "read", apps: ["shop"] };
    const { secret } = (await platform.api("POST", "/tokens", reader)).body;
    const code = async (line: string, env: Record<string, string> = {}) =>
      (await cli.teal([...line.split(" "), "-a", "shop"], "", env)).code;
    const { live } = await say("apps:info");
    const [{ id }]: any[] = await say("deploys");
    for (const [wanted, lines] of Object.entries(waysToFail(id)))
      for (const line of lines) t.is(await code(line), Number(wanted), line);
    for (const line of NOT_FOR_READERS) t.is(await code(line, { TEAL_TOKEN: secret }), 3, line);
    t.is(await code("config", { TEAL_TOKEN: secret }), 0);
    t.is((await cli.teal(["apps:create", "shop"])).code, 5);
    t.deepEqual((await say("apps:info")).live, live, "none of it is live");
    // What failed is still asked for.
    await say("config:unset FAIL_RELEASE --no-restart");
  },
);

test.serial(
  "config is staged for the next release, from a file of Windows; it goes out and comes back",
  async (t) => {
    const { repo, say, value, words } = world;
    t.timeout(90_000);
    const { live } = await say("apps:info");
    const file = "# of Windows\r\nexport STAGED='one\r\ntwo' # said\r\nURL=http://x/#y\r\n";
    await say("config:import - --no-restart", file);
    t.is(await value("STAGED"), "(unset)");
    t.deepEqual((await say("apps:info")).live, live, "nothing was made for it");
    t.is((await repo.push({ "notes.txt": "with what was staged" })).status, 0);
    t.is(await value("STAGED"), "one\ntwo");
    t.is(await value("URL"), "http://x/#y");
    t.is(await value("FAIL_RELEASE"), "(unset)");
    const exported = await words("config:export");
    await say("config:unset STAGED URL --no-restart");
    await say("config:import -", exported);
    t.is(await words("config:export"), exported);
    t.is(await value("STAGED"), "one\ntwo");
  },
);

test.serial("certificates, the guard, and how it is built", async (t) => {
  const { repo, say, servedNames } = world;
  t.timeout(60_000);
  const { cert, key } = await (await createIssuer()).issue([HOST]);
  for (const [name, pem] of Object.entries({ cert, key })) writeFileSync(join(repo.dir, name), pem);
  const { certificate } = await say(`certs:add ${repo.dir}/cert ${repo.dir}/key`);
  await until(5000, async () => (await servedNames()) === `DNS:${HOST}`);
  t.is((await say("certs")).certificates[0].id, certificate.id);
  await say("certs:auto off");
  t.is((await say("certs")).auto, false);
  await say("certs:auto on");
  t.is((await say("certs")).auto, true);
  await say(`certs:remove ${certificate.id}`);
  await until(5000, async () => (await servedNames()) !== `DNS:${HOST}`);

  await until(15_000, async () => (await say("metrics")).length > 0);
  await say("guard:on");
  await say("guard:set window=45 errors=");
  t.like((await say("guard")).limits, { window: 45 });

  const buildpack = "https://git.example.org/ruby#v300";
  await say(`buildpacks:set ${buildpack}`);
  t.is((await say("build")).buildpacks, buildpack);
  await say("buildpacks:clear");
  await say("build:unset arg.COLOUR env.GREETING");
  t.deepEqual(await say("build"), {});
});

test.serial("webhooks, notifications and people come and go", async (t) => {
  const { platform, say, ask } = world;
  t.timeout(60_000);
  const hook = await say("hooks:add --provider standard");
  t.is((await say("hooks"))[0].id, hook.hook.id);
  const bring = () =>
    deliver({ url: platform.apiUrl }, { ...hook, sender: hook.hook }, { ref: "x" });
  t.true((await bring()).status < 300);
  const [delivery]: any[] = await say("hooks:deliveries");
  t.regex(delivery.reason, /branch|x/);
  t.is((await say(`hooks:redeliver ${delivery.key}`)).deploy, null);
  t.like(await ask(`/apps/shop/hooks/deliveries/${delivery.key}`), { body: '{"ref":"x"}' });
  await say(`hooks:remove ${hook.hook.id}`);
  t.true((await bring()).status >= 400);

  const told: string[] = [];
  const listener = createServer((req, res) => {
    void text(req).then((body) => told.push(body));
    res.end();
  }).listen(0, "127.0.0.1");
  t.teardown(() => listener.close());
  await once(listener, "listening");
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
  const { notifier } = await say(`notifications:add --kind webhook --url ${url}`);
  t.is((await say("notifications"))[0].id, notifier.id);
  await say("ps:restart");
  await until(10_000, async () => told.length > 0);
  t.is((await say("notifications:deliveries"))[0].notifier, notifier.id);
  await say(`notifications:remove ${notifier.id}`);
  t.deepEqual(await say("notifications"), []);

  await people(t);
});

async function people(t: ExecutionContext): Promise<void> {
  const { platform, cli, say } = world;
  const { invitation } = (await platform.api("POST", "/users", { name: "ann" })).body;
  const spent = await platform.api("POST", "/invitations", { invitation, name: "laptop" });
  const mayLook = async () =>
    (await cli.teal(["apps:info", "-a", "shop"], "", { TEAL_TOKEN: spent.body.secret })).code;
  t.is(await mayLook(), 4);
  await say("access:add ann --role read");
  t.is(await mayLook(), 0);
  t.deepEqual(await say("access"), [{ user: "ann", role: "read" }]);
  await say("access:remove ann");
  t.is(await mayLook(), 4);
}

test.serial("a destroyed app answers no more", async (t) => {
  const { platform, say, send, ask } = world;
  t.timeout(60_000);
  t.true((await ask("/apps/shop/events")).events.length > 20);
  t.is((await ask("/deploys/shop-1")).state, "live");
  await say("apps:destroy --confirm shop --volumes");
  t.is((await send("/")).status, 404);
  await until(20_000, async () => (await platform.api("GET", "/apps/shop")).status === 404);
});

test.serial("with that, every command about an app has been run", (t) => {
  const { cli } = world;
  t.deepEqual(
    cli.missing((one) => one.app === true),
    [],
  );
});

test.serial("and every route about an app has answered as the document says", (t) => {
  const { api } = world;
  const ours = api.routes.filter((one) => /\{app\}|\{deploy\}/.test(one));
  t.true(ours.length > 50);
  const answered = new Set(api.answered());
  t.deepEqual(
    ours.filter((one) => !answered.has(one)),
    [],
  );
  t.deepEqual(api.faults, []);
});
