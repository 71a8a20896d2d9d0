import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { extract } from "tar-stream";
import { detect } from "../../buildpacks/detect.ts";
import { createContext } from "../../workers/build-context.ts";
import { createIgnore } from "../../workers/build-ignore.ts";
import { makeTree, packageJson } from "../support/tree.ts";

const APP = {
  "package.json": packageJson(),
  "package-lock.json": '{"lockfileVersion":3}',
  "server.js": "",
};

for (const file of ["Procfile", "package.json", "package-lock.json", ".npmrc", "Dockerfile"]) {
  for (const [what, target] of [
    ["an absolute path", "/etc/passwd"],
    ["a path that climbs", "../../../../../../../../etc/passwd"],
    ["a file that is not there", "gone"],
    ["itself", file],
    ["a file of the process", "/proc/self/environ"],
  ] as const) {
    test(`a ${file} that is a link to ${what} is refused, and nothing of it is shown`, async (t) => {
      const dir = await makeTree(t, APP);
      await rm(join(dir, file), { force: true });
      await symlink(target, join(dir, file));
      const error = await t.throwsAsync(detect(dir), { code: "points-outside" });
      t.true(
        error.message.startsWith(`${file} was expected to be a file of the tree`),
        error.message,
      );
      t.notRegex(error.message, /root:/);
    });
  }
}

test("a link by way of a linked folder is refused", async (t) => {
  const outside = await makeTree(t, { Procfile: "web: steal" });
  const dir = await makeTree(t, APP);
  await symlink(outside, join(dir, "folder"));
  await symlink("folder/Procfile", join(dir, "Procfile"));
  await t.throwsAsync(detect(dir), { code: "points-outside" });
});

test("a link into a folder whose name begins like the tree's is refused", async (t) => {
  const dir = await makeTree(t, APP);
  await mkdir(`${dir}-other`);
  t.teardown(() => rm(`${dir}-other`, { recursive: true }));
  await writeFile(`${dir}-other/Procfile`, "web: steal");
  await symlink(`${dir}-other/Procfile`, join(dir, "Procfile"));
  await t.throwsAsync(detect(dir), { code: "points-outside" });
});

test("a link within the tree is followed", async (t) => {
  const dir = await makeTree(t, { ...APP, "deploy/Procfile": "web: node server.js --linked" });
  await symlink("deploy/Procfile", join(dir, "Procfile"));
  t.deepEqual((await detect(dir)).processes, { web: "node server.js --linked" });
});

test("the builder is sent links as links, never what they lead to", async (t) => {
  const dir = await makeTree(t, APP);
  await symlink("/etc/passwd", join(dir, "passwd"));
  await symlink("/etc", join(dir, "etc"));
  const { tar } = await createContext({
    dir,
    under: "app",
    files: {},
    ignore: createIgnore("", []),
  });
  const links: Record<string, string> = {};
  const names: string[] = [];
  for await (const entry of tar.pipe(extract())) {
    names.push(entry.header.name);
    if (entry.header.type === "symlink") links[entry.header.name] = entry.header.linkname ?? "";
    entry.resume();
  }
  t.deepEqual(links, { "app/etc": "/etc", "app/passwd": "/etc/passwd" });
  t.false(names.some((name) => name.startsWith("app/etc/")));
});
