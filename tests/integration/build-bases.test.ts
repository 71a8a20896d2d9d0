import { randomInt } from "node:crypto";
import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import test from "ava";
import { pack } from "tar-stream";
import { createLog } from "../../apps/log.ts";
import { createBases, type BasesOptions } from "../../workers/bases.ts";
import { startBuilder } from "../support/builder.ts";
import { startRegistry } from "../support/registry.ts";

const builder = await startBuilder();
const work = await mkdtemp(join(tmpdir(), "teal-bases-"));
const never = new AbortController().signal;
const runtime = (range: string) => ({ name: "node", range, from: "engines.node" }) as const;

/** Images of no use to anyone after these tests. */
const madeHere: string[] = [];

test.after.always(async () => {
  await builder.close();
  for (const tag of madeHere) await builder.images.remove(tag);
  await rm(work, { recursive: true, force: true });
});

function makeBases(settings: Partial<BasesOptions["settings"]>) {
  const given = {
    base: "auto",
    registry: null,
    caFile: null,
    paths: { work },
    ...settings,
  } as const;
  return createBases({ images: builder.images, settings: given, log: createLog("test") });
}

test.serial("without a registry an image is bootstrapped once and found ever after", async (t) => {
  const said: string[] = [];
  const bases = makeBases({ base: "bootstrap" });
  const first = await bases.ensureBase(runtime("24.x"), (text) => said.push(text), never);
  said.length = 0;
  const again = await makeBases({ base: "bootstrap" }).ensureBase(
    runtime(">=18"),
    (text) => said.push(text),
    never,
  );
  t.deepEqual(again, first);
  t.deepEqual(said, []);
  t.regex(first.version, /^24\.\d+\.\d+$/);
  const { container } = await builder.run(
    { image: first.image, imageBytes: 0, processes: {}, port: 5000 },
    ["sh", "-c", "node -v; npm -v; tini --version; id app; stat -c %U /app"],
  );
  await container.wait();
  const output = (await container.logs({ stdout: true })).toString();
  t.true(output.includes(`v${first.version}`), output);
  t.regex(output, /tini version[\s\S]*uid=10001\(app\)[\s\S]*app/);
});

test.serial(
  "what apps run on is smaller than what builds them, and has the same Node",
  async (t) => {
    const bases = makeBases({ base: "bootstrap" });
    const full = await bases.ensureBase(runtime("24.x"), () => {}, never);
    const wish = { ...runtime(full.version), name: "node-run" } as const;
    const small = await bases.ensureBase(wish, () => {}, never);
    t.is(small.version, full.version);
    const [large, less] = await Promise.all(
      [full, small].map(async ({ image }) => (await builder.images.inspect(image))?.bytes ?? 0),
    );
    t.true((less ?? 0) < (large ?? 0) - 15e6, `${less} and ${large} bytes`);
    const { container } = await builder.run(
      { image: small.image, imageBytes: 0, processes: {}, port: 5000 },
      [
        "sh",
        "-c",
        'node -p \'crypto.hash("md5", "") + process.version\'; npm -v; npx --version; id app',
      ],
    );
    await container.wait();
    const output = (await container.logs({ stdout: true })).toString();
    t.true(output.includes(`d41d8cd98f00b204e9800998ecf8427ev${full.version}`), output);
    t.regex(output, /\d+\.\d+\.\d+[\s\S]*\d+\.\d+\.\d+[\s\S]*uid=10001/);
  },
);

test.serial(
  "names of our own in a FROM line are made; others are the builder's business",
  async (t) => {
    const bases = makeBases({ base: "bootstrap" });
    for (const image of ["teal/base/node:24", "teal/base/debian:bookworm"]) {
      await bases.ensureNamed(image, () => {}, never);
      t.true(await builder.images.exists(image));
    }
    await bases.ensureNamed("example.invalid/nothing:1", () => {}, never);
    t.false(await builder.images.exists("example.invalid/nothing:1"));
  },
);

test.serial(
  "an official image from a registry gets the user, the init and the authority that it lacks",
  async (t) => {
    // Of its own in every run, since an image that is here already would be taken.
    const major = randomInt(100, 1e6);
    const version = `${major}.1.0`;
    const official = `${builder.namespace}/official:1`;
    await buildOfficial(official, version);
    const registry = await startRegistry(builder.docker, official, `${major}-bookworm-slim`);
    const caFile = join(work, "authority.pem");
    await writeFile(caFile, "-----BEGIN CERTIFICATE-----\nours\n");
    const settings = { base: "registry", registry: registry.host, caFile } as const;
    const made = await makeBases(settings).ensureBase(runtime(`${major}.x`), () => {}, never);
    t.teardown(registry.close);
    madeHere.push(
      made.image,
      `teal/base/node:${major}`,
      `${registry.host}/node:${major}-bookworm-slim`,
      official,
    );
    t.is(made.version, version);
    t.true(made.ca);
    t.true(made.image.startsWith(`teal/base/node:${version}-ca`));

    const { container } = await builder.run(
      { image: made.image, imageBytes: 0, processes: {}, port: 5000 },
      ["sh", "-c", "tini -- id app; cat /etc/ssl/certs/ca-certificates.crt"],
    );
    await container.wait();
    t.regex((await container.logs({ stdout: true })).toString(), /uid=10001\(app\)[\s\S]*ours/);

    const asked = registry.asked.length;
    t.true(asked > 0);
    t.deepEqual(await makeBases(settings).ensureBase(runtime(`${major}.x`), () => {}, never), made);
    t.is(registry.asked.length, asked, "what is here is not asked for again");
  },
);

test.serial(
  "another language's official image is taken in the version that was asked for",
  async (t) => {
    const version = `3.${randomInt(1000, 1e6)}`;
    const official = `${builder.namespace}/official:2`;
    await buildOfficial(official, "1.0.0");
    const registry = await startRegistry(builder.docker, official, `${version}-slim-bookworm`);
    t.teardown(registry.close);
    const settings = { base: "registry", registry: registry.host } as const;
    const python = { name: "python", range: `${version}.x`, from: ".python-version" } as const;
    const made = await makeBases(settings).ensureBase(python, () => {}, never);
    madeHere.push(made.image, `${registry.host}/python:${version}-slim-bookworm`, official);
    t.deepEqual(made, { image: `teal/base/python:${version}`, version, ca: false });
    const asked = registry.asked.length;
    t.deepEqual(await makeBases(settings).ensureBase(python, () => {}, never), made);
    t.is(registry.asked.length, asked, "what is here is not asked for again");
  },
);

test.serial("a registry that is needed and has nothing is an error that says so", async (t) => {
  const registry = await startRegistry(builder.docker, "teal/base/debian:bookworm", "none");
  t.teardown(registry.close);
  const bases = makeBases({ base: "registry", registry: registry.host });
  const error = await t.throwsAsync(
    bases.ensureBase(runtime("96.x"), () => {}, never),
    { code: "build-failed" },
  );
  t.regex(
    error.message,
    /an image for Node 96\.x was expected from the registry, and none came: .*(not found|unknown)/,
  );
});

test.serial("a file of authorities that is not there is named", async (t) => {
  const bases = makeBases({ base: "bootstrap", caFile: join(work, "gone.pem") });
  await t.throwsAsync(
    bases.ensureBase(runtime("24.x"), () => {}, never),
    { code: "build-failed", message: /TEAL_CA_FILE .*gone\.pem/ },
  );
});

/** What an official image is to us: Debian with a version of Node in its environment. */
async function buildOfficial(tag: string, version: string): Promise<void> {
  await makeBases({ base: "bootstrap" }).ensureNamed("teal/base/debian:bookworm", () => {}, never);
  const tar = pack();
  const withoutOurs = "RUN sed -i /^app:/d /etc/passwd /etc/group && rm -rf /app /usr/bin/tini";
  tar.entry(
    { name: "Dockerfile" },
    `FROM teal/base/debian:bookworm\n${withoutOurs}\nENV NODE_VERSION=${version}\n`,
  );
  tar.finalize();
  const context = Readable.from(tar, { objectMode: false });
  await builder.images.build({
    context,
    dockerfile: "Dockerfile",
    tag,
    labels: {},
    signal: never,
    onLine: () => {},
  });
}
