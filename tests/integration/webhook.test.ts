import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import test from "ava";
import { Redis } from "ioredis";
import { keys } from "../../apps/keys.ts";
import { ask } from "../support/asking.ts";
import { startCiRepo, type CiRepo } from "../support/ci-repo.ts";
import { startPlatform, until, type Platform } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { deliver, pushPayload, type Hook } from "../support/webhook.ts";

let platform: Platform;
let repo: CiRepo;
let work: Repo;

test.before(async () => {
  platform = await startPlatform({ env: { TEAL_ALLOW_PRIVATE_FETCH: "1" } });
  repo = await startCiRepo({ password: "bot:s3cret" });
  work = createRepo("hello-plain", platform, "shop");
  await work.init();
  await platform.api("POST", "/apps", { name: "shop" });
});
test.after.always(async () => {
  work?.remove();
  repo?.stop();
  await platform?.stop();
});

async function commit(version: string): Promise<string> {
  writeFileSync(`${work.dir}/version.txt`, `${version}\n`);
  await work.commit(version);
  const pushed = await work.git("push", "-q", repo.dir, "main");
  if (pushed.status !== 0) throw new Error(pushed.text);
  return (await work.git("rev-parse", "HEAD")).text.trim();
}

async function addHook(wish: object): Promise<Hook> {
  const { body } = await platform.api("POST", "/apps/shop/hooks", wish);
  return { sender: body.hook, secret: body.secret, path: body.path };
}

const ended = (deploy: string) => platform.ended(deploy, 120_000);

const answered = () => ask(platform.routerPort, "shop.localhost");

test.serial(
  "what a CI has passed goes live: exactly its commit, though the branch is further",
  async (t) => {
    const hook = await addHook({
      provider: "github",
      repo: repo.url,
      token: "bot:s3cret",
    });
    const told: string[] = [];
    const receiver = createServer((req, res) => {
      void text(req).then((body) => told.push(body));
      res.end();
    }).listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const events = ["deploy.started", "deploy.live"];
    await platform.api("POST", "/apps/shop/notifications", { kind: "slack", url, events });
    const passed = await commit("passed");
    await commit("not yet passed");
    const { status, json, ms } = await deliver({ url: platform.apiUrl }, hook, pushPayload(passed));
    t.is(status, 202);
    t.true(ms < 1000, `${ms} ms`);
    const deploy = await ended(json.deploy);
    t.like(deploy, { state: "live", commit: passed, by: "github webhook" }, JSON.stringify(deploy));
    t.regex(await answered(), /^passed/);
    const { body } = await platform.api("GET", "/apps/shop/releases/1");
    t.is(body.commit, passed);
    const log = await platform.api("GET", `/deploys/${json.deploy}/log`);
    t.regex(JSON.stringify(log.body), /Fetching/);
    await until(10_000, async () => told.length === 2);
    t.regex(told.join(), /shop has started \(shop-1\).*shop is live \(shop-1\).*shop.localhost/);
    receiver.close();
    t.notRegex(JSON.stringify(log.body) + platform.platformLog(), /s3cret|whsec_/);
  },
);

test.serial(
  "a branch that a plain signed delivery names is resolved when it is fetched",
  async (t) => {
    const hook = await addHook({ provider: "standard", repo: repo.url, token: "bot:s3cret" });
    const tip = await commit("by name");
    const { json } = await deliver({ url: platform.apiUrl }, hook, { ref: "main" });
    t.is((await ended(json.deploy)).state, "live");
    t.regex(await answered(), /^by name/);
    const { body } = await platform.api("GET", "/apps/shop/releases/2");
    t.is(body.commit, tip);
  },
);

test.serial(
  "what was answered with 202 goes live, though the web process is killed right after its record",
  async (t) => {
    const hook = await addHook({ provider: "gitea", repo: repo.url, token: "bot:s3cret" });
    const passed = await commit("killed");
    writeFileSync(platform.faultFile, "record-written");
    const payload = pushPayload(passed);
    await t.throwsAsync(deliver({ url: platform.apiUrl }, hook, payload));
    await until(30_000, async () => (await platform.api("GET", "/apps")).status === 200);
    const again = await deliver({ url: platform.apiUrl }, hook, payload);
    t.is(again.status, 202);
    t.is(again.json.deploy, "shop-3", "the delivery made one deploy");
    t.is((await ended("shop-3")).state, "live");
    t.regex(await answered(), /^killed/);
  },
);

test.serial(
  "a commit that cannot be fetched fails its deploy, and what is live stays",
  async (t) => {
    const hook = await addHook({ provider: "github", repo: repo.url });
    const { status, json } = await deliver(
      { url: platform.apiUrl },
      hook,
      pushPayload("e".repeat(40)),
    );
    t.is(status, 202);
    const deploy = await ended(json.deploy);
    t.is(deploy.state, "failed");
    t.regex(deploy.error ?? "", /eeee could not be fetched from http/);
    t.regex(await answered(), /^killed/);
  },
);

test.serial("an archive that a signed delivery names is fetched and goes live", async (t) => {
  const hook = await addHook({ provider: "standard" });
  writeFileSync(`${work.dir}/version.txt`, "from an archive\n");
  const tar = await promisify(execFile)("tar", ["-cz", "--exclude=.git", "-C", work.dir, "."], {
    encoding: "buffer",
  });
  const server = createServer((_req, res) => void res.end(tar.stdout)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.tar.gz`;
  const payload = { tarball_url: `${at}?sig=s1gnature` };
  const { status, json } = await deliver({ url: platform.apiUrl }, hook, payload);
  t.is(status, 202);
  const deploy = await ended(json.deploy);
  t.is(deploy.state, "live", deploy.error);
  t.regex(await answered(), /^from an archive/);
  const { body: release } = await platform.api("GET", `/apps/shop/releases/${deploy.release}`);
  t.regex(release.commit, /^[0-9a-f]{40}$/);
  const log = await platform.api("GET", `/deploys/${json.deploy}/log`);
  t.regex(JSON.stringify(log.body), /Fetching http:.*shop\.tar\.gz"/);
  t.notRegex(JSON.stringify(log.body) + platform.platformLog(), /s1gnature/);
});

test.serial(
  "of a thousand deliveries, none is lost or taken twice, though the web process is killed among them",
  async (t) => {
    await platform.api("POST", "/apps", { name: "busy" });
    const { body } = await platform.api("POST", "/apps/busy/hooks", { provider: "standard" });
    const hook: Hook = { sender: body.hook, secret: body.secret, path: body.path };
    const ids = Array.from({ length: 1000 }, (_, i) => `msg_${i}`);
    const waiting = [...ids];
    const made = new Map<string, string>();
    const times: number[] = [];
    let repeated = 0;

    /** Sends until it is answered, as CI systems do. Bounded: half a minute each. */
    async function sendOne(id: string): Promise<void> {
      const payload = { commit: createHash("sha1").update(id).digest("hex") };
      await until(30_000, async () => {
        const { status, json, ms } = await deliver({ url: platform.apiUrl }, hook, payload, { id });
        if (status !== 202) return false;
        made.set(id, json.deploy);
        times.push(ms);
        return true;
      });
    }
    async function sendMany(): Promise<void> {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        if (made.size >= 300 * (repeated + 1) && repeated < 2) {
          repeated++;
          platform.signal("web", "SIGKILL");
        }
        await sendOne(id);
      }
    }
    const began = performance.now();
    await Promise.all(Array.from({ length: 6 }, sendMany));
    const spent = performance.now() - began;

    t.is(made.size, 1000);
    t.is(new Set(made.values()).size, 1000, "each made a deploy of its own");
    t.is(platform.restarts("web"), 3, "killed once before, and twice here");
    const redis = new Redis({ path: `${platform.home}/redis.sock` });
    t.is(await redis.hget(keys.app("busy"), "seq"), "1000", "and none made two");
    redis.disconnect();
    times.sort((a, b) => a - b);
    const [median = 0, slowest = 0] = [times[500], times.at(-1)];
    t.log(
      `1000 in ${Math.round(spent)} ms; median ${Math.round(median)}, slowest ${Math.round(slowest)} ms`,
    );
    // A process that has just come back compiles and fills its caches while it answers.
    const late = times.filter((ms) => ms >= 1000).length;
    t.is(late, 0, `answered after more than a second; the slowest after ${slowest} ms`);
  },
);
