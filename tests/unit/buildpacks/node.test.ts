import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { copiesOf, runsOf } from "../../support/plans.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const LOCK = JSON.stringify({ name: "a", version: "1.0.0", lockfileVersion: 3, packages: {} });

async function plan(
  t: Parameters<typeof makeTree>[0],
  files: Record<string, string>,
): Promise<SourcePlan> {
  const found = await detect(await makeTree(t, files));
  t.is(found.buildpack, "node");
  t.deepEqual(JSON.parse(JSON.stringify(found)), found, "a plan survives JSON");
  return found as SourcePlan;
}

test("a package.json with npm's lockfile is a Node app", async (t) => {
  const found = await plan(t, { "package.json": packageJson(), "package-lock.json": LOCK });
  t.is(found.why, "package.json with package-lock.json");
  t.deepEqual(copiesOf(found), ["package.json package-lock.json", "."]);
  t.deepEqual(runsOf(found), ["npm ci --omit=dev"]);
  t.deepEqual(found.warnings, []);
});

test("npm's other lockfile and the tree's .npmrc are part of the install", async (t) => {
  const found = await plan(t, {
    "package.json": packageJson(),
    "npm-shrinkwrap.json": LOCK,
    ".npmrc": "fund=false\n",
  });
  t.deepEqual(copiesOf(found), ["package.json npm-shrinkwrap.json .npmrc", "."]);
});

test("without any lockfile it is installed, with a warning", async (t) => {
  const found = await plan(t, { "package.json": packageJson({ dependencies: { koa: "3.3.0" } }) });
  t.deepEqual(runsOf(found), ["npm install --omit=dev"]);
  t.regex(found.warnings[0] ?? "", /no package-lock\.json/);
});

test("without dependencies a missing lockfile is no matter", async (t) => {
  t.deepEqual((await plan(t, { "package.json": packageJson() })).warnings, []);
});

for (const [what, files, fields, runs] of [
  [
    "yarn's classic lockfile",
    { "yarn.lock": "# yarn lockfile v1\n" },
    {},
    [
      "npm install --global yarn@1",
      "yarn install --frozen-lockfile --production=true && mkdir -p node_modules",
    ],
  ],
  [
    "yarn's modern lockfile",
    { "yarn.lock": "__metadata:\n  version: 8\n" },
    { packageManager: "yarn@4.9.1+sha224.abc" },
    [
      "npm install --global @yarnpkg/cli-dist@4.9.1",
      "yarn workspaces focus --all --production && mkdir -p node_modules",
    ],
  ],
  [
    "pnpm's lockfile",
    { "pnpm-lock.yaml": "lockfileVersion: '6.0'\n" },
    {},
    [
      "npm install --global pnpm@8",
      "pnpm install --frozen-lockfile --prod && mkdir -p node_modules",
    ],
  ],
  [
    "bun's lockfile",
    { "bun.lock": "{}\n" },
    {},
    [
      "npm install --global bun@1",
      "bun install --frozen-lockfile --production && mkdir -p node_modules",
    ],
  ],
] as [string, Record<string, string>, object, string[]][]) {
  test(`the tool whose lockfile is there installs, and stays out of the image: ${what}`, async (t) => {
    const found = await plan(t, { "package.json": packageJson({ ...fields }), ...files });
    t.deepEqual(runsOf(found), runs);
    t.deepEqual(runsOf(found, "app"), []);
  });
}

test("a package manager's version that the shell would read otherwise is not used", async (t) => {
  const found = await plan(t, {
    "package.json": packageJson({ packageManager: "pnpm@9;reboot" }),
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
  });
  t.is(runsOf(found)[0], "npm install --global pnpm@10");
});

test("npm's lockfile wins beside another tool's", async (t) => {
  const found = await plan(t, {
    "package.json": packageJson(),
    "package-lock.json": LOCK,
    "yarn.lock": "",
  });
  t.deepEqual(runsOf(found), ["npm ci --omit=dev"]);
});

test("a build script makes a build with all dependencies", async (t) => {
  const scripts = { build: "tsc", start: "node dist/server.js" };
  const found = await plan(t, {
    "package.json": packageJson({ scripts }),
    "package-lock.json": LOCK,
  });
  t.deepEqual(runsOf(found, "build"), [
    "npm ci --include=dev",
    "npm run build && rm -rf node_modules",
  ]);
  t.deepEqual(found.processes, { web: "node dist/server.js" });
});

for (const [what, fields] of [
  ["an install script", { scripts: { start: "node a.js", postinstall: "node scripts/after.js" } }],
  ["workspaces", { workspaces: ["packages/*"] }],
  ["a dependency in a folder of the tree", { dependencies: { own: "file:./own" } }],
] as const) {
  test(`the install depends on the whole tree when it may read it: ${what}`, async (t) => {
    const found = await plan(t, {
      "package.json": packageJson(fields),
      "package-lock.json": LOCK,
      "server.js": "",
    });
    t.deepEqual(copiesOf(found), ["."]);
  });
}

test("engines.node names the runtime; the default is the LTS line", async (t) => {
  const engines = { node: ">=22 <25" };
  const asked = await plan(t, { "package.json": packageJson({ engines }) });
  t.deepEqual(asked.runtime, { name: "node", range: ">=22 <25", from: "engines.node" });
  const silent = await plan(t, { "package.json": packageJson() });
  t.deepEqual(silent.runtime, { name: "node", range: "24.x", from: "default" });
});

test("an engines.node that is no range is refused", async (t) => {
  const dir = await makeTree(t, {
    "package.json": packageJson({ engines: { node: "newest please" } }),
  });
  const error = await t.throwsAsync(detect(dir), { code: "bad-version" });
  t.regex(error.message, /'newest please' came/);
});

for (const [what, fields, field] of [
  ["scripts that are a list", { scripts: ["start"] }, "scripts"],
  ["a script that is a number", { scripts: { start: 1 } }, "scripts.start"],
  ["engines that are a string", { engines: "24" }, "engines"],
  ["dependencies that are a string", { dependencies: "koa" }, "dependencies"],
] as const) {
  test(`a field of the wrong kind is named: ${what}`, async (t) => {
    const dir = await makeTree(t, { "package.json": packageJson(fields) });
    const error = await t.throwsAsync(detect(dir), { code: "bad-package-json" });
    t.true(error.message.startsWith(`package.json: ${field} was expected to be `), error.message);
  });
}

test("a broken lockfile is named with line and column", async (t) => {
  const dir = await makeTree(t, {
    "package.json": packageJson(),
    "package-lock.json": '{\n<<<<<<< HEAD\n"a": 1}',
  });
  const error = await t.throwsAsync(detect(dir), { code: "broken-json" });
  t.regex(error.message, /^package-lock\.json .*line 2, column 1/);
});

test("a byte order mark before package.json does not matter", async (t) => {
  t.truthy(await plan(t, { "package.json": `\uFEFF${packageJson()}` }));
});

test("a lockfile that disagrees with package.json is refused, naming the package", async (t) => {
  const lock = { lockfileVersion: 3, packages: { "": { dependencies: { koa: "2.0.0" } } } };
  const dir = await makeTree(t, {
    "package.json": packageJson({ dependencies: { koa: "3.3.0" } }),
    "package-lock.json": JSON.stringify(lock),
  });
  const error = await t.throwsAsync(detect(dir), { code: "bad-lockfile" });
  t.regex(
    error.message,
    /koa \(dependencies\) is 3\.3\.0 in package\.json and 2\.0\.0 in package-lock\.json/,
  );
});

for (const [what, files, engines, range, from] of [
  [".nvmrc", { ".nvmrc": "v22.1.0\n" }, null, "22.1.0", ".nvmrc"],
  ["a name of .nvmrc's", { ".nvmrc": "lts/jod" }, null, "22.x", ".nvmrc"],
  [".node-version", { ".node-version": "22" }, null, "22.x", ".node-version"],
  [
    ".tool-versions",
    { ".tool-versions": "# x\nnodejs 22.4.0 system\n" },
    null,
    "22.4.0",
    ".tool-versions",
  ],
  ["mise.toml", { "mise.toml": '[tools]\nnode = "22"\n' }, null, "22.x", "mise.toml"],
  ["a file within engines.node", { ".nvmrc": "22.4" }, ">=20", "22.4.x", ".nvmrc"],
  ["a file outside of engines.node", { ".nvmrc": "18" }, ">=20", ">=20", "engines.node"],
] as [string, Record<string, string>, string | null, string, string][]) {
  test(`the version comes from ${what}`, async (t) => {
    const fields = engines ? { engines: { node: engines } } : {};
    const found = await plan(t, { "package.json": packageJson(fields), ...files });
    t.deepEqual(found.runtime, { name: "node", range, from });
    t.is(found.warnings.length, what.includes("outside") ? 1 : 0);
  });
}
