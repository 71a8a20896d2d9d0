import { execFile } from "node:child_process";
import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { createContext } from "../../../workers/build-context.ts";
import { createIgnore } from "../../../workers/build-ignore.ts";
import { placeOf } from "../../../workers/build-place.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const run = promisify(execFile);
const rules = (text = "") => createIgnore(text, [".git"]);
const contextOf = (dir: string, ignore = rules()) =>
  createContext({ dir, under: "", files: {}, ignore });

test("a tree of more than 100,000 files, at its full size, is refused soon, with what to do", async (t) => {
  t.timeout(120_000);
  const dir = await makeTree(t, { "package.json": packageJson() });
  for (let folder = 0; folder < 101; folder++) {
    const path = join(dir, `many/folder-${folder}`);
    await mkdir(path, { recursive: true });
    const names = Array.from({ length: 1000 }, (_, n) => `f${n}`);
    await run("touch", names, { cwd: path });
  }
  const began = performance.now();
  const error = await t.throwsAsync(contextOf(dir), { code: "build-failed" });
  t.regex(error.message, /at most 100000 files was expected.*\.dockerignore/);
  t.true(performance.now() - began < 30_000);
  const { files } = await contextOf(dir, rules("many\n"));
  t.is(files, 1, "what is ignored does not count");
  t.like(await detect(dir), { buildpack: "node" }, "detection does not walk the tree");
});

test("a tree of more than 2 GB (one sparse file) is refused before anything of it is read", async (t) => {
  const dir = await makeTree(t, { "package.json": packageJson() });
  const file = await open(join(dir, "dump.sql"), "w");
  await file.truncate(2 * 1024 ** 3 + 1);
  await file.close();
  const before = process.memoryUsage().rss;
  const began = performance.now();
  const error = await t.throwsAsync(contextOf(dir), { code: "build-failed" });
  t.regex(error.message, /at most 2147483648 bytes was expected.*at dump\.sql.*\.dockerignore/);
  t.true(performance.now() - began < 2000);
  t.true(process.memoryUsage().rss - before < 100e6);
});

test("links out of the tree stay links, and no folder of an app leads out by one", async (t) => {
  const dir = await makeTree(t, { "apps/web/package.json": packageJson(), "file.txt": "x" });
  await symlink("/etc", join(dir, "apps/out"));
  await symlink("/etc/passwd", join(dir, "apps/web/passwd"));
  for (const options of [{ root: "apps/out" }, { root: "apps/web", context: "apps/out" }]) {
    const error = await t.throwsAsync(placeOf(dir, options), { code: "build-failed" });
    t.regex(error.message, /apps\/out: a path within the repository.*leads out of it/);
  }
  const named = placeOf(dir, { root: "apps/web", dockerfile: "passwd" });
  t.regex((await t.throwsAsync(named))?.message ?? "", /leads out of it/);
  t.regex(
    (await t.throwsAsync(placeOf(dir, { root: "file.txt" })))?.message ?? "",
    /a folder of the repository/,
  );
  const { root } = await placeOf(dir, { root: "apps/web" });
  t.true(root.endsWith("/apps/web"));
});

test("a lockfile that disagrees with its manifest is refused before anything is fetched", async (t) => {
  const lock = (wanted: string) =>
    JSON.stringify({
      name: "a",
      version: "1.0.0",
      lockfileVersion: 3,
      packages: {
        "": { name: "a", version: "1.0.0", dependencies: { koa: wanted } },
        "node_modules/koa": { version: "3.3.0" },
      },
    });
  const dir = await makeTree(t, {
    "package.json": packageJson({ dependencies: { koa: "^3.3.0" } }),
    "package-lock.json": lock("^2.0.0"),
  });
  const error = await t.throwsAsync(detect(dir), { name: "PlanError" });
  t.regex(
    error.message,
    /package-lock\.json was expected to agree with package\.json.*koa.*Run '.*' and commit/,
  );
  await writeFile(join(dir, "package-lock.json"), lock("^3.3.0"));
  t.like(await detect(dir), { buildpack: "node" });
});
