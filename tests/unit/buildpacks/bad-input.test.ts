import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

type Files = Record<string, string>;

for (const [what, files, code, message] of [
  [
    ".buildpacks without a line",
    { ".buildpacks": "# none\n" },
    "not-buildable",
    /A line in \.buildpacks/,
  ],
  [
    "a .buildpacks that names a folder that is not there",
    { ".buildpacks": "packs/one\n" },
    "not-buildable",
    /packs\/one\/bin\/detect, since the buildpack packs\/one is named/,
  ],
  [
    "a .buildpacks that leads out of the tree",
    { ".buildpacks": "\n../one\n" },
    "broken-line",
    /\.buildpacks line 2: .*'\.\.\/one' came/,
  ],
  [
    "a .buildpacks with an address that is none",
    { ".buildpacks": "https://example.com/a'; reboot\n" },
    "broken-line",
    /\.buildpacks line 1/,
  ],
  [
    "a .buildpacks over an open connection",
    { ".buildpacks": "http://example.com/a.git\n" },
    "broken-line",
    /an https:\/\/ address/,
  ],
  ["main.go without go.mod", { "main.go": "package main" }, "not-buildable", /go mod init/],
  [
    "a go.mod with requirements and no go.sum",
    { "go.mod": "module a\n\nrequire b.c/d v1.0.0\n", "main.go": "package main" },
    "no-lockfile",
    /go mod tidy/,
  ],
  [
    "a Go library",
    { "go.mod": "module a\n", "a.go": "package a\n" },
    "no-start-command",
    /no package main at the top and none in cmd\//,
  ],
  [
    "a Rust library",
    { "Cargo.toml": '[package]\nname = "a"\n', "src/lib.rs": "" },
    "not-buildable",
    /a library came/,
  ],
  ["a broken Cargo.toml", { "Cargo.toml": "[package\n" }, "broken-toml", /Cargo\.toml .* line 1/],
  ["a broken pyproject.toml", { "pyproject.toml": "a = [1,\n" }, "broken-toml", /pyproject\.toml/],
  ["a broken Pipfile", { Pipfile: "[packages]\nflask\n" }, "broken-toml", /Pipfile .*line 2/],
  [
    "Python without a start",
    { "requirements.txt": "flask\n", "lib/x.py": "" },
    "no-start-command",
    /none of main\.py, app\.py and server\.py/,
  ],
  ["Ruby without a start", { Gemfile: "" }, "no-start-command", /no Rails app, no config\.ru/],
  [
    "a broken composer.json",
    { "composer.json": "{\n,}" },
    "broken-json",
    /composer\.json .*line 2/,
  ],
  [
    "a broken composer.lock",
    { "composer.json": "{}", "composer.lock": "<<<<<<<" },
    "broken-json",
    /composer\.lock/,
  ],
  [
    "an Elixir umbrella",
    { "mix.exs": 'def project, do: [apps_path: "apps"]' },
    "not-buildable",
    /an umbrella project came/,
  ],
  [
    "two web projects",
    {
      "a.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
      "b.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web"/>',
    },
    "not-buildable",
    /a\.csproj and b\.csproj came/,
  ],
  ["a broken deno.json", { "deno.json": '{ // x\n "a" }' }, "broken-json", /deno\.json .*line 2/],
  [
    "a broken angular.json",
    {
      "package.json": packageJson({
        scripts: { build: "ng build" },
        dependencies: { "@angular/cli": "19.0.0" },
      }),
      "angular.json": "{",
    },
    "broken-json",
    /angular\.json/,
  ],
] as [string, Files, string, RegExp][]) {
  test(`refused, saying what came and what to do: ${what}`, async (t) => {
    await t.throwsAsync(detect(await makeTree(t, files)), { code, message });
  });
}

for (const [file, beside] of [
  ["requirements.txt", {}],
  ["pyproject.toml", {}],
  ["Pipfile", {}],
  ["Gemfile", {}],
  ["go.mod", {}],
  ["composer.json", {}],
  ["pom.xml", {}],
  ["build.gradle", {}],
  ["Cargo.toml", {}],
  ["mix.exs", {}],
  ["deno.json", {}],
  ["Staticfile", {}],
  [".python-version", { "main.py": "" }],
  [".tool-versions", { "main.py": "" }],
  ["mise.toml", { "main.py": "" }],
  ["poetry.lock", { "pyproject.toml": "", "main.py": "" }],
  ["go.sum", { "go.mod": "module a\n\nrequire b.c/d v1\n", "main.go": "package main" }],
  ["main.go", { "go.mod": "module a\n" }],
] as [string, Files][]) {
  test(`a ${file} that leads out of the tree is refused, and nothing of it is shown`, async (t) => {
    const dir = await makeTree(t, { ...beside, "README.md": "" });
    const outside = await makeTree(t, { secret: "hunter2 = [" });
    await symlink(join(outside, "secret"), join(dir, file));
    const error = await t.throwsAsync(detect(dir), { code: "points-outside" });
    t.false(error.message.includes("hunter2"));
  });
}

test("names that a command would take for more than a name are not put into one", async (t) => {
  const dir = await makeTree(t, {
    "go.mod": "module example.com/x;reboot\n",
    "main.go": "package main\n",
    "cmd/a;b/main.go": "package main\n",
  });
  t.notRegex(JSON.stringify(await detect(dir)), /reboot|a;b/);
});

test("a folder of very many files is planned, and refused, without reading them", async (t) => {
  const dir = await makeTree(t, { "main.c": "" });
  await mkdir(join(dir, "deep"));
  for (let n = 0; n < 5000; n++) await writeFile(join(dir, "deep", `${n}.txt`), "");
  const error = await t.throwsAsync(detect(dir), { code: "nothing-detected" });
  t.true(error.message.length < 1000);
});
