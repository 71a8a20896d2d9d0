import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import Docker from "dockerode";
import type { Collected } from "../../apps/errands.ts";
import type { ReleaseView } from "../../apps/views.ts";
import { ask } from "../support/asking.ts";
import { faultsOf } from "../support/cyclonedx.ts";
import { startPlatform, until, type Platform } from "../support/platform.ts";
import { startRegistry } from "../support/registry.ts";
import { runCli } from "../support/run-cli.ts";
import { FIXTURES } from "../support/tree.ts";

const CANARY = "c4n4ry-of-the-build-env";
const docker = new Docker();
const run = promisify(execFile);

let platform: Platform;
let root: string;
test.before(async (t) => {
  t.timeout(120_000);
  platform = await startPlatform();
  root = mkdtempSync(join(tmpdir(), "teal-sources-"));
  await platform.api("POST", "/apps", { name: "shop" });
});
test.after.always(async () => {
  await platform?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** The command line; its whole output, also when it fails. */
async function teal(...args: string[]): Promise<string> {
  const { stdout, stderr } = await cli(...args, "-a", "shop");
  return stdout + stderr;
}

function cli(...args: string[]) {
  const env = { HOME: root, TEAL_URL: platform.apiUrl, TEAL_TOKEN: platform.adminToken() };
  return runCli(args, { env, cwd: root, timeoutMs: 180_000 });
}

const answer = () => ask(platform.routerPort, "shop.localhost");

async function release(n: number) {
  return (await platform.api("GET", `/apps/shop/releases/${n}`)).body;
}

function folder(fixture: string, files: Record<string, string> = {}): string {
  const dir = mkdtempSync(join(root, "app-"));
  cpSync(join(FIXTURES, fixture), dir, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  return dir;
}

test.serial(
  "a folder goes live through the same steps as a push; sent again it takes the image that is there",
  async (t) => {
    const dir = folder("hello-plain", {
      "version.txt": "folder",
      ".slugignore": "*.psd\n/docs\n",
      "a/big.psd": "x",
      "docs/x": "x",
    });
    const first = await teal("deploy", dir);
    t.regex(
      first,
      /Building shop from commit [0-9a-f]{7}[\s\S]*Checking web\.1[\s\S]*shop v1 is live/,
    );
    t.regex(await answer(), /^folder/);
    const again = await teal("deploy", dir);
    t.regex(again, /is built already: the image of v1[\s\S]*shop v2 is live/);
    t.notRegex(again, /Sending \d+ files/);
    const [one, two] = [await release(1), await release(2)];
    t.is(two.image, one.image);
    t.is(two.commit, one.commit);
    const fresh = await teal("deploy", "--ref", one.commit, "--no-cache");
    t.regex(fresh, /Sending \d+ files[\s\S]*shop v3 is live/);
    const { Config: config } = await docker.getImage(one.image).inspect();
    t.is(config.Labels?.["org.opencontainers.image.revision"], one.commit);
    t.regex(config.Labels?.["org.opencontainers.image.created"] ?? "", /^20\d\d-/);
    t.regex(config.Labels?.["org.opencontainers.image.source"] ?? "", /^http:.*\/git\/shop\.git$/);
    const listed = await container(one.image, "find . -name '*.psd' -o -name docs");
    t.is(listed.trim(), "", ".slugignore keeps them out");
  },
);

async function container(image: string, command: string): Promise<string> {
  const made = await docker.createContainer({
    Image: image,
    Entrypoint: ["/bin/sh", "-c", command],
    Labels: { "teal.platform": platform.namespace },
  });
  await made.start();
  await made.wait();
  const output = (await made.logs({ stdout: true, stderr: true }))
    .toString()
    .replaceAll(/[\u0000-\u0008].{7}/gs, "");
  await made.remove();
  return output;
}

test.serial(
  "a folder of a monorepo, a Dockerfile by another name, its stage and its arguments",
  async (t) => {
    const dir = folder("hello-plain", { "apps/web/version.txt": "from the folder" });
    cpSync(join(FIXTURES, "hello-plain"), join(dir, "apps/web"), {
      recursive: true,
      filter: (path) => !path.endsWith("version.txt"),
    });
    writeFileSync(join(dir, "apps/web/Procfile"), "web: node server.js\n");
    await teal("build:set", "root=apps/web");
    t.regex(await teal("deploy", dir), /is live/);
    t.regex(await answer(), /^from the folder/);

    const stages = `FROM teal/base/node:24 AS base
WORKDIR /srv
COPY apps/web/ ./
FROM base AS production
ARG GREETING=none
RUN echo "$GREETING" > version.txt
USER app
CMD ["node", "server.js"]
FROM base AS last
RUN exit 1
`;
    writeFileSync(join(dir, "apps/web/web.Dockerfile"), stages);
    await teal(
      "build:set",
      "dockerfile=web.Dockerfile",
      "context=.",
      "target=production",
      "arg.GREETING=argued",
    );
    const built = await teal("deploy", dir);
    t.regex(built, /App with a web\.Dockerfile[\s\S]*is live/);
    t.regex(await answer(), /^argued/);

    await teal("build:set", "root=apps/nowhere");
    const refused = await teal("deploy", dir);
    t.regex(
      refused,
      /root=apps\/nowhere: a folder of the repository was expected.*at its top: apps/,
    );
    t.regex(await answer(), /^argued/, "what is live stays");
    await teal("build:unset", "root", "dockerfile", "context", "target", "arg.GREETING");
  },
);

test.serial("what a build may read is in no history, no log, no queue and no answer", async (t) => {
  await teal("config:set", `NPM_TOKEN=${CANARY}`, "OTHER=not-for-builds-at-all", "--no-restart");
  await teal("build:env", "NPM_TOKEN");
  const script =
    "node -e \"const fs=require('fs');fs.writeFileSync('seen.txt', String(process.env.NPM_TOKEN.length)+' '+String(process.env.OTHER));console.log('token', process.env.NPM_TOKEN)\"";
  const manifest = JSON.parse(readFileSync(join(FIXTURES, "hello-plain/package.json"), "utf8"));
  manifest.scripts.build = script;
  const dir = folder("hello-plain", { "package.json": JSON.stringify(manifest) });
  const said = await teal("deploy", dir);
  t.regex(said, /token \*{8}/, "a build that prints it prints a mask");
  t.regex(said, /is live/);
  const list = (await platform.api("GET", "/apps/shop/releases?limit=1")).body.releases;
  const { image } = list[0];
  t.is((await container(image, "cat seen.txt")).trim(), `${CANARY.length} undefined`);
  const history = JSON.stringify(await docker.getImage(image).history());
  const inspected = JSON.stringify(await docker.getImage(image).inspect());
  const { stdout: redis } = await run("redis-cli", [
    "-s",
    `${platform.home}/redis.sock`,
    "--rdb",
    join(root, "dump.rdb"),
  ]).then(() => ({ stdout: readFileSync(join(root, "dump.rdb"), "latin1") }));
  for (const [where, what] of Object.entries({
    said,
    history,
    inspected,
    redis,
    log: platform.platformLog(),
  }))
    t.false(what.includes(CANARY), where);

  const taken = await teal("deploy", dir);
  t.regex(taken, /is built already/);
  await teal("config:set", "NPM_TOKEN=another-value-this-time", "--no-restart");
  t.regex(await teal("deploy", dir), /Sending \d+ files/, "another value is another build");
  await teal("build:unset", "env.NPM_TOKEN");
});

test.serial("deploys:cancel ends a build in the engine too; what is live answers", async (t) => {
  const before = await answer();
  const mark = `cancelled-${platform.namespace}`;
  const script = `echo begun-${mark} && exec node -e "for (;;);" ${mark}`;
  const manifest = JSON.parse(readFileSync(join(FIXTURES, "hello-plain/package.json"), "utf8"));
  manifest.scripts.build = script;
  const dir = folder("hello-plain", { "package.json": JSON.stringify(manifest) });
  const deploying = teal("deploy", dir, "--verbose");
  await until(60_000, () => isRunning(`for (;;);\0${mark}`));
  const [{ id }] = (await platform.api("GET", "/apps/shop/deploys?limit=1")).body.deploys;
  t.is(await answer(), before, "while it builds");
  t.is((await cli("deploys:cancel", id)).code, 0);
  const said = await deploying;
  t.regex(said, /cancelled/);
  t.regex(said, new RegExp(`#\\d+ \\d+\\.\\d+ begun-${mark}`), "as the builder says it");
  t.is((await platform.api("GET", `/deploys/${id}`)).body.state, "cancelled");
  await until(20_000, async () => !(await isRunning(mark)));
  t.is(await answer(), before);
});

/** Steps of a build are processes of this machine. */
async function isRunning(mark: string): Promise<boolean> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}

test.serial(
  "an image is pulled with a password that goes to its realm alone, and goes live by its digest",
  async (t) => {
    const made = await teal(
      "deploy",
      folder("hello-dockerfile", { "version.txt": "of the image" }),
    );
    t.regex(made, /is live/);
    const [{ image }] = (await platform.api("GET", "/apps/shop/releases?limit=1")).body.releases;
    const pair = "ann:p4ss-of-the-registry";
    const registry = await startRegistry(docker, image, "1.2", { pair });
    const evil: string[] = [];
    const thief = createServer((req, res) => {
      evil.push(req.headers.authorization ?? "");
      res.end('{"token":"x"}');
    }).listen(0, "127.0.0.1");
    await once(thief, "listening");
    const realm = `http://127.0.0.1:${(thief.address() as AddressInfo).port}/token`;
    const trap = await startRegistry(docker, image, "1.2", { pair, realm });
    t.teardown(async () => {
      thief.close();
      await registry.close();
      await trap.close();
    });

    t.regex(await teal("deploy", "--image", `${registry.host}/ann/shop:1.2`), /could not be taken/);
    const [username, password] = pair.split(":");
    for (const host of [registry.host, trap.host])
      await platform.api("POST", "/registries", { host, username, password });
    const said = await teal("deploy", "--image", `${registry.host}/ann/shop:1.2`);
    t.regex(
      said,
      /Pulling [\s\S]*Image 127\.0\.0\.1:\d+\/ann\/shop@sha256:[0-9a-f]{64}[\s\S]*is live/,
    );
    t.regex(await answer(), /^of the image/);
    const [newest] = (await platform.api("GET", "/apps/shop/releases?limit=1")).body.releases;
    t.regex(newest.from, /^127\.0\.0\.1:\d+\/ann\/shop@sha256:/);
    t.is(newest.commit, "");
    const basics = registry.authorizations.filter(([, value]) => value.startsWith("Basic"));
    t.true(basics.length > 0);
    t.true(
      basics.every(([path]) => path.startsWith("/token")),
      "the password goes to the realm alone",
    );

    const refused = await teal("deploy", "--image", `${trap.host}/ann/shop:1.2`);
    t.regex(
      refused,
      /wants the password sent to http:\/\/127\.0\.0\.1:\d+\/token, and the login is for/,
    );
    t.deepEqual(evil, [], "and to nobody else");
    t.notRegex(said + refused + platform.platformLog(), /p4ss-of/);

    const back = await teal("rollback");
    t.regex(back, /is live/);
    t.regex(await teal("releases"), new RegExp(`${registry.host}/ann/shop`));
  },
);

test.serial(
  "an image of another app is not run, and one that is here needs no registry",
  async (t) => {
    await platform.api("POST", "/apps", { name: "other" });
    const [{ image }] = (await platform.api("GET", "/apps/shop/releases?limit=1")).body.releases;
    const { body } = await platform.api("POST", "/apps/other/deploys", { image });
    await ended(t, body.deploy.id, "failed", /built for another app/);
    const own = await platform.api("POST", "/apps/shop/deploys", { image });
    await ended(t, own.body.deploy.id, "live", /^$/);
  },
);

async function ended(t: ExecutionContext, id: string, state: string, says: RegExp): Promise<void> {
  const look = async () => (await platform.api("GET", `/deploys/${id}`)).body;
  await until(60_000, async () => !["queued", "running"].includes((await look()).state));
  const deploy = await look();
  t.is(deploy.state, state, deploy.error);
  t.regex(deploy.error ?? "", says);
}

test.serial("a folder is built without a platform, and nothing is deployed", async (t) => {
  const dir = folder("hello-plain", { "version.txt": platform.namespace });
  const tag = `${platform.namespace}/here:latest`;
  const { image, imageBytes, processes } = JSON.parse(
    await teal("build", dir, "--tag", tag, "--json"),
  );
  t.regex(image, /^sha256:/);
  t.true(imageBytes > 50e6);
  t.deepEqual(processes, { web: "node server.js" });
  t.is((await docker.getImage(tag).inspect()).Id, image);
  const failed = await teal("build", folder("no-start-command"));
  t.regex(failed, /A way to start the app was expected/);
});

test.serial(
  "garbage: what nothing refers to goes, with its reason; releases and what is not ours stay",
  async (t) => {
    const broken = folder("hello-plain", {
      "app.json": JSON.stringify({ env: { NOBODY_HAS_SET_THIS: { required: true } } }),
      "version.txt": `garbage ${platform.namespace}`,
    });
    const failed = /(shop-\d+) failed/.exec(await teal("deploy", broken))?.[1] ?? "";
    t.not(failed, "");
    const tag = `${platform.namespace}/shop:${failed}`;
    t.truthy(await docker.getImage(tag).inspect());
    const old = new Date(Date.now() - 30 * 3600_000);
    const scratch = join(platform.home, "work", "shop-1-abcdef");
    mkdirSync(scratch, { recursive: true });
    writeFileSync(join(scratch, "left"), "x".repeat(5000));
    utimesSync(scratch, old, old);
    const others = async () => {
      const all = await docker.listImages();
      return all
        .flatMap(({ RepoTags }) => RepoTags ?? [])
        .filter((one) => one.startsWith("teal/base/"))
        .toSorted();
    };
    const before = await others();

    const dry = await gc("--dry-run");
    t.true(dry.dryRun);
    t.like(
      dry.removed.find((one) => one.name === tag),
      { kind: "image", why: `${failed} failed, and has no release` },
    );
    t.like(
      dry.removed.find((one) => one.name === "shop-1-abcdef"),
      { kind: "scratch", bytes: 5000 },
    );
    t.false(
      dry.removed.some((one) => one.kind === "cache"),
      "the cache is the machine's",
    );
    t.truthy(await docker.getImage(tag).inspect(), "a dry run removes nothing");

    const done = await gc();
    t.deepEqual(done.failed, []);
    t.deepEqual(
      done.removed.map(({ name }) => name).toSorted(),
      dry.removed.map(({ name }) => name).toSorted(),
    );
    await t.throwsAsync(docker.getImage(tag).inspect());
    t.false(existsSync(scratch));
    t.deepEqual(await others(), before);
    t.deepEqual((await gc()).removed, [], "twice is once");
    t.regex(await teal("rollback", "v1"), /is live/, "releases keep their images");
  },
);

test.serial(
  "releases beyond the retention lose their image, are said to be gone, and stay on record",
  async (t) => {
    t.regex(await teal("retention:set", "keep=1"), /the newest 1 good/);
    const all = await listed();
    const running = imagesOf(all, "live", "warm");
    const goes = all.find(({ status, image }) => status === "kept" && !running.includes(image));
    if (!goes) throw new Error("a release that is not retained was expected");
    await until(30_000, async () => {
      await gc();
      return !(await imageIds()).includes(goes.image);
    });
    const after = await listed();
    const left = await imageIds();
    t.true(imagesOf(after, "live", "warm", "kept").every((image) => left.includes(image)));
    t.false(imagesOf(after, "gone").some((image) => left.includes(image)));
    t.is(after.find(({ n }) => n === goes.n)?.status, "gone");
    t.regex(await teal("rollback", `v${goes.n}`), /is no longer on this machine/);
    t.is((await listed()).length, after.length + 1, "the records stay");
    t.regex(await teal("rollback", "v1"), /is live/, "its image is the live one's");
  },
);

test.serial(
  "what is in an image is told as a CycloneDX document, without running anything of it",
  async (t) => {
    const sbom = JSON.parse(await teal("sbom", "v1"));
    t.like(sbom, { bomFormat: "CycloneDX", specVersion: "1.5" });
    t.is(sbom.metadata.component.version, "v1");
    t.deepEqual(await faultsOf(sbom), [], "against CycloneDX's own schema");
    const purls: string[] = sbom.components.map((one: { purl?: string }) => one.purl ?? "");
    t.true(
      purls.some((one) => one.startsWith("pkg:deb/debian/libc6@")),
      purls.slice(0, 5).join(),
    );
    t.true(new Set(purls).size > 20);
    const containers = await docker.listContainers({ all: true });
    t.false(
      containers.some(({ Command }) => Command.includes("never-run")),
      "nothing is left",
    );
    t.regex(await teal("sbom", "v999"), /has no release/);
  },
);

const imagesOf = (all: ReleaseView[], ...statuses: string[]) =>
  all.filter(({ status }) => statuses.includes(status)).map(({ image }) => image);
const listed = async () => JSON.parse(await teal("releases", "--json")) as ReleaseView[];
const imageIds = async () => (await docker.listImages({ all: true })).map(({ Id }) => Id);

async function gc(...more: string[]) {
  return JSON.parse((await cli("gc", "--json", ...more)).stdout) as Collected;
}
