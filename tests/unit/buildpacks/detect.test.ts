import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { FIXTURES, makeTree, packageJson } from "../../support/tree.ts";

test("a Dockerfile comes before a package.json", async (t) => {
  const dir = await makeTree(t, { Dockerfile: "FROM scratch\n", "package.json": packageJson() });
  t.is((await detect(dir)).buildpack, "dockerfile");
});

test("a tree without files has its own sentence", async (t) => {
  const dir = await makeTree(t, {});
  await t.throwsAsync(detect(dir), { code: "empty-tree" });
  await mkdir(join(dir, ".git"));
  await t.throwsAsync(detect(dir), { code: "empty-tree" });
});

test("when nothing matches, the error says what was looked for and what is there", async (t) => {
  const error = await t.throwsAsync(detect(await makeTree(t, { "main.c": "", "README.md": "" })), {
    code: "nothing-detected",
  });
  t.true(
    error.message.startsWith("A Dockerfile, a .buildpacks, a Gemfile, a composer.json "),
    error.message,
  );
  t.regex(
    error.message,
    /or an index\.html was expected at the top of the tree; README\.md, main\.c came\./,
  );
});

test("when the app lies in a folder, the error says so", async (t) => {
  const error = await t.throwsAsync(
    detect(await makeTree(t, { "site/package.json": packageJson() })),
    { code: "nothing-detected" },
  );
  t.regex(error.message, /There is site\/package\.json: 'teal build:set root=site' builds that/);
});

test("the error finds the app of a monorepo two folders down, and not in what was installed", async (t) => {
  const files = {
    "node_modules/a/package.json": "{}",
    "apps/web/go.mod": "",
    "docs/a/b/Gemfile": "",
  };
  const error = await t.throwsAsync(detect(await makeTree(t, files)));
  t.regex(error.message, /There is apps\/web\/go\.mod: 'teal build:set root=apps\/web'/);
  const deep = await t.throwsAsync(detect(await makeTree(t, { "a/b/c/go.mod": "" })));
  t.regex(deep.message, /Commit one of them/);
});

test("a folder of a workspace that needs the others is refused, saying from where it is built", async (t) => {
  const files = { "package.json": packageJson({ dependencies: { ui: "workspace:*" } }) };
  const error = await t.throwsAsync(detect(await makeTree(t, files)), { code: "not-buildable" });
  t.regex(
    error.message,
    /The workspace that ui is a package of.*'teal build:unset root'.*--filter/,
  );
  const workspace = { ...files, "pnpm-workspace.yaml": "packages: ['packages/*']\n" };
  t.is((await detect(await makeTree(t, workspace))).buildpack, "node");
});

test("a folder where a file should be is refused", async (t) => {
  const dir = await makeTree(t, { "Dockerfile/README": "" });
  await t.throwsAsync(detect(dir), { code: "not-a-file" });
});

test("a file's name in an error is one line without escapes", async (t) => {
  const error = await t.throwsAsync(detect(await makeTree(t, { "\u001b[31mred\nline": "" })));
  t.notRegex(error.message, /[\u0000-\u001f]/);
});

for (const [fixture, code] of [
  ["no-start-command", "no-start-command"],
  ["broken-package-json", "broken-json"],
] as const) {
  test(`the fixture app ${fixture} is refused`, async (t) => {
    await t.throwsAsync(detect(join(FIXTURES, fixture)), { code });
  });
}
