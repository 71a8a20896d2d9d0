import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
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
  t.deepEqual(found.install.files, ["package.json", "package-lock.json"]);
  t.is(found.install.run, "npm ci --omit=dev");
  t.is(found.build, null);
  t.deepEqual(found.warnings, []);
});

test("npm's other lockfile and the tree's .npmrc are part of the install", async (t) => {
  const found = await plan(t, {
    "package.json": packageJson(),
    "npm-shrinkwrap.json": LOCK,
    ".npmrc": "fund=false\n",
  });
  t.deepEqual(found.install.files, ["package.json", "npm-shrinkwrap.json", ".npmrc"]);
});

test("without any lockfile it is installed, with a warning", async (t) => {
  const found = await plan(t, { "package.json": packageJson({ dependencies: { koa: "3.3.0" } }) });
  t.is(found.install.run, "npm install --omit=dev");
  t.regex(found.warnings[0] ?? "", /no package-lock\.json/);
});

test("without dependencies a missing lockfile is no matter", async (t) => {
  t.deepEqual((await plan(t, { "package.json": packageJson() })).warnings, []);
});

for (const lockfile of ["yarn.lock", "pnpm-lock.yaml", "bun.lock"]) {
  test(`another tool's lockfile alone is refused, saying what to do: ${lockfile}`, async (t) => {
    const dir = await makeTree(t, { "package.json": packageJson(), [lockfile]: "" });
    const error = await t.throwsAsync(detect(dir), { code: "no-npm-lockfile" });
    t.regex(
      error.message,
      new RegExp(`${lockfile.replace(".", "\\.")} alone came\\. Run 'npm install`),
    );
  });
}

test("npm's lockfile wins beside another tool's", async (t) => {
  const found = await plan(t, {
    "package.json": packageJson(),
    "package-lock.json": LOCK,
    "yarn.lock": "",
  });
  t.is(found.install.run, "npm ci --omit=dev");
});

test("a build script makes a build with all dependencies", async (t) => {
  const scripts = { build: "tsc", start: "node dist/server.js" };
  const found = await plan(t, {
    "package.json": packageJson({ scripts }),
    "package-lock.json": LOCK,
  });
  t.is(found.build?.install.run, "npm ci --include=dev");
  t.is(found.build?.run, "npm run build");
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
    t.deepEqual(found.install.files, ["."]);
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
  const error = await t.throwsAsync(detect(dir), { code: "bad-node-range" });
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
