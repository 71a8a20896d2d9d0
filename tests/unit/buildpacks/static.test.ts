import { symlink } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { parseHeaders } from "../../../buildpacks/headers.ts";
import { nginxConfig } from "../../../buildpacks/nginx.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { copiesOf } from "../../support/plans.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const SITE = { root: "/app/site", spa: false, listing: false, headers: [] };

test("an index.html is a site; a package.json beside it makes it an app", async (t) => {
  t.is((await detect(await makeTree(t, { "index.html": "" }))).buildpack, "static");
  const both = { "index.html": "", "package.json": packageJson() };
  t.is((await detect(await makeTree(t, both))).buildpack, "node");
});

test("a folder with the site alone is what is copied", async (t) => {
  const plan = (await detect(
    await makeTree(t, { "docs/index.html": "", "a.c": "" }),
  )) as SourcePlan;
  t.deepEqual(copiesOf(plan), ["docs"]);
});

test("a Staticfile's folder must be there, and within the tree", async (t) => {
  for (const root of ["gone", "a.txt"]) {
    const dir = await makeTree(t, { Staticfile: `root: ${root}\n`, "a.txt": "" });
    await t.throwsAsync(detect(dir), { code: "not-buildable", message: /no such folder/ });
  }
  const dir = await makeTree(t, { Staticfile: "root: out\n", "a.txt": "" });
  await symlink("/etc", join(dir, "out"));
  await t.throwsAsync(detect(dir), { code: "not-buildable" });
});

for (const [line, text] of [
  [1, "root: ../secrets\n"],
  [2, "root: dist\nfolder: x\n"],
  [1, "root: $HOME\n"],
  [3, "# a\n\n<<<<<<< HEAD\n"],
] as const) {
  test(`a Staticfile's wrong line is named: ${JSON.stringify(text)}`, async (t) => {
    const dir = await makeTree(t, { Staticfile: text, "dist/index.html": "" });
    const error = await t.throwsAsync(detect(dir), { code: "broken-line" });
    t.true(error.message.startsWith(`Staticfile line ${line}: `), error.message);
  });
}

test("headers are lines below a path", (t) => {
  const text =
    "# all\r\n/*\r\n  X-A: 1\r\n  Link: </a.css>; rel=preload\r\n\r\n/b/*.js\r\n\tX-A: 2\r\n";
  t.deepEqual(parseHeaders(text), [
    { path: "/*", name: "X-A", value: "1" },
    { path: "/*", name: "Link", value: "</a.css>; rel=preload" },
    { path: "/b/*.js", name: "X-A", value: "2" },
  ]);
});

for (const [line, text] of [
  [1, "  X-A: 1\n"],
  [1, "assets\n"],
  [2, "/*\n  X-A 1\n"],
  [2, '/*\n  X-A: 1"; return 200 "x\n'],
  [2, "/*\n  X-A: $request_body\n"],
  [1, "/a;b\n"],
  [1, '/"\n'],
] as const) {
  test(`a wrong line of _headers is named: ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseHeaders(text), { code: "broken-line" });
    t.true(error?.message.startsWith(`_headers line ${line}: `), error?.message);
  });
}

test("the longest path gives a header's value, and its dots are dots", (t) => {
  const headers = parseHeaders("/*\n  X-A: short\n/a.b/*\n  x-a: long\n");
  const config = nginxConfig({ ...SITE, headers });
  t.regex(config, /"~\^\/a\\\.b\/\.\*\$" "long";\n {4}"~\^\/\.\*\$" "short";/);
  t.is(config.match(/add_header/g)?.length, 1);
});

test("an unknown path of a single-page app is its page; of another site it is missing", (t) => {
  t.regex(nginxConfig({ ...SITE, spa: true }), /\$uri\.html \/index\.html;/);
  t.regex(nginxConfig(SITE), /\$uri\.html =404;/);
});
