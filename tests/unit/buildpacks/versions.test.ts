import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

type Files = Record<string, string>;

const PYTHON: Files = { "main.py": "", "requirements.txt": "" };
const RUBY: Files = {
  "server.rb": "",
  Gemfile: 'source "https://rubygems.org"\n',
  "Gemfile.lock": "",
};
const GO: Files = { "main.go": "package main\n" };
const JAVA: Files = { "Main.java": "class Main { public static void main(String[] args) {} }" };
const RUST: Files = { "Cargo.toml": '[package]\nname = "a"\n', "src/main.rs": "" };
const PHP: Files = { "index.php": "" };
const NODE: Files = { "package.json": packageJson() };
const ELIXIR: Files = { "mix.exs": 'def project, do: [app: :a, elixir: "~> 1.16"]' };
const DENO: Files = { "deno.json": "{}", "main.ts": "" };
const DOTNET: Files = {
  "A.csproj":
    '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net9.0</TargetFramework></PropertyGroup></Project>',
};
const engines = (node: string): Files => ({ "package.json": packageJson({ engines: { node } }) });

for (const [files, range, from] of [
  [{ ...PYTHON, "runtime.txt": "python-3.12.4\n" }, "3.12.4", "runtime.txt"],
  [{ ...PYTHON, ".python-version": "# pyenv\n3.12\n" }, "3.12.x", ".python-version"],
  [{ ...PYTHON, ".tool-versions": "python 3.13.1\n" }, "3.13.1", ".tool-versions"],
  [{ ...PYTHON, "mise.toml": '[tools]\npython = ["3.12", "3.11"]\n' }, "3.12.x", "mise.toml"],
  [{ ...PYTHON, ".mise.toml": '[tools.python]\nversion = "3.12"\n' }, "3.12.x", ".mise.toml"],
  [
    { ...PYTHON, "pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.11"\n' },
    ">=3.11",
    "pyproject.toml",
  ],
  [{ ...RUBY, ".ruby-version": "3.3.6\n" }, "3.3.6", ".ruby-version"],
  [{ ...RUBY, Gemfile: "ruby '>= 3.2', '< 3.4'\n" }, ">=3.2 <3.4", "Gemfile"],
  [{ ...RUBY, "Gemfile.lock": "RUBY VERSION\n   ruby 3.2.2p53\n" }, "3.2.2", "Gemfile.lock"],
  [{ ...GO, "go.mod": "module a\n\ngo 1.21\n" }, ">=1.21 <2", "go.mod"],
  [{ ...GO, "go.mod": "module a\n\ngo 1.21\n", ".go-version": "1.22" }, "1.22.x", ".go-version"],
  [{ ...JAVA, "system.properties": "java.runtime.version=1.8\n" }, "8.x", "system.properties"],
  [{ ...JAVA, ".sdkmanrc": "java=21.0.2-tem\n" }, "21.0.2", ".sdkmanrc"],
  [{ ...RUST, "rust-toolchain": "1.80\n" }, "1.80.x", "rust-toolchain"],
  [
    { ...RUST, "rust-toolchain.toml": '[toolchain]\nchannel = "stable"\n' },
    "*",
    "rust-toolchain.toml",
  ],
  [
    { "composer.json": '{"require": {"php": "^8.1|^8.2"}}', "composer.lock": "{}" },
    "^8.1 || ^8.2",
    "composer.json",
  ],
  [{ ...PHP, ".php-version": "8.3" }, "8.3.x", ".php-version"],
  [
    { ...RUST, "Cargo.toml": '[package]\nname = "a"\nrust-version = "1.75"\n' },
    ">=1.75 <2",
    "Cargo.toml",
  ],
  [{ ...JAVA, ".java-version": "temurin-21\n" }, "21.x", ".java-version"],
  [{ ...GO, "go.mod": "module a\n\ngo 1.21\ntoolchain go1.22.3\n" }, ">=1.22.3 <2", "go.mod"],
  [{ ...NODE, ".nvmrc": "v22.1\n" }, "22.1.x", ".nvmrc"],
  [{ ...NODE, ".node-version": "20.11.1", ".nvmrc": "18" }, "20.11.1", ".node-version"],
  [{ ...NODE, ".nvmrc": "lts/iron" }, "20.x", ".nvmrc"],
  [{ ...NODE, ".tool-versions": "nodejs 22.9.0\nruby 3.3\n" }, "22.9.0", ".tool-versions"],
  [{ ...NODE, "mise.toml": '[tools]\nnode = "22"\n' }, "22.x", "mise.toml"],
  [engines(">=20 <23 || ^24.1"), ">=20 <23 || ^24.1", "engines.node"],
  [{ ...engines("20.x"), ".nvmrc": "22" }, "20.x", "engines.node"],
  [ELIXIR, ">=1.16 <2.0.0", "mix.exs"],
  [{ ...ELIXIR, ".elixir-version": "1.17.3-otp-27" }, "1.17.3", ".elixir-version"],
  [
    { ...ELIXIR, "elixir_buildpack.config": "elixir_version=1.15\n" },
    "1.15.x",
    "elixir_buildpack.config",
  ],
  [{ ...DENO, ".dvmrc": "2.1.4" }, "2.1.4", ".dvmrc"],
  [{ ...DENO, ".deno-version": "2.2" }, "2.2.x", ".deno-version"],
  [DOTNET, "9.0.x", "A.csproj"],
  [NODE, "24.x", "default"],
  [PHP, "*", "default"],
] as [Files, string, string][]) {
  test(`${Object.keys(files).join(", ")}: ${range} from ${from}`, async (t) => {
    const { runtime } = (await detect(await makeTree(t, files))) as SourcePlan;
    t.is(runtime.range, range);
    t.is(runtime.from, from);
  });
}

for (const [files, tool, text, range] of [
  [PYTHON, "python", "3.12.1", "3.12.1"],
  [RUBY, "ruby", "3.3.5", "3.3.5"],
  [{ ...GO, "go.mod": "module a\n" }, "golang", "1.22", "1.22.x"],
  [PHP, "php", "8.3", "8.3.x"],
  [JAVA, "java", "temurin-21.0.2+13.0.LTS", "21.0.2"],
  [RUST, "rust", "1.80.1", "1.80.1"],
  [{ "mix.exs": "def project, do: [app: :a]" }, "elixir", "1.17.3-otp-27", "1.17.3"],
  [DENO, "deno", "2.1", "2.1.x"],
  [{ "A.csproj": "<Project/>" }, "dotnet", "9.0.101", "9.0.x"],
  [{ "A.csproj": "<Project/>" }, "dotnet-core", "9", "9.x"],
  [NODE, "nodejs", "22.9.0", "22.9.0"],
] as [Files, string, string, string][]) {
  for (const [file, content] of [
    [".tool-versions", `# ours\nother 1.0\n${tool}   ${text}  # pinned\n`],
    ["mise.toml", `[tools]\nother = "1.0"\n${tool} = "${text}"\n`],
  ] as const) {
    test(`${file} names the version of ${tool}`, async (t) => {
      const plan = (await detect(await makeTree(t, { ...files, [file]: content }))) as SourcePlan;
      t.like(plan.runtime, { range, from: file });
    });
  }
}

for (const [files, label, from, came, available] of [
  [{ ...PYTHON, ".python-version": "2.7" }, "Python", ".python-version", "2.7", "3.14, 3.13, "],
  [{ ...RUBY, ".ruby-version": "2.6.1" }, "Ruby", ".ruby-version", "2.6.1", "3.4, 3.3, "],
  [{ ...GO, "go.mod": "module a\n", ".go-version": "1.12" }, "Go", ".go-version", "1.12", "1.25, "],
  [
    { "composer.json": '{"require": {"php": "^5.6"}}' },
    "PHP",
    "composer.json",
    "^5.6",
    "8.4, 8.3, ",
  ],
  [
    { ...JAVA, "system.properties": "java.runtime.version=7\n" },
    "Java",
    "system.properties",
    "7",
    "25, 21, ",
  ],
  [{ ...RUST, "rust-toolchain": "1.20\n" }, "Rust", "rust-toolchain", "1.20", "1.90, "],
  [{ ...ELIXIR, ".elixir-version": "1.2" }, "Elixir", ".elixir-version", "1.2", "1.18, "],
  [{ ...DENO, ".dvmrc": "1.40" }, "Deno", ".dvmrc", "1.40", "2.5, "],
  [
    { "A.csproj": "<TargetFramework>net5.0</TargetFramework>" },
    ".NET",
    "A.csproj",
    "net5.0",
    "10.0, 9.0, ",
  ],
  [
    { "Old.csproj": "<TargetFramework>netcoreapp3.1</TargetFramework>" },
    ".NET",
    "Old.csproj",
    "netcoreapp3.1",
    "10.0, 9.0, ",
  ],
  [
    { "A.csproj": "<Project/>", "global.json": '{"sdk": {"version": "6.0.400"}}' },
    ".NET",
    "global.json",
    "6.0.400",
    "10.0, 9.0, ",
  ],
] as [Files, string, string, string, string][]) {
  test(`a version of ${label} in ${from} that was never built names those that can be had`, async (t) => {
    const error = await t.throwsAsync(detect(await makeTree(t, files)), {
      code: "no-such-version",
    });
    const said = `A version of ${label} that can be had was expected in ${from}; '${came}' came, and there are ${available}`;
    t.true(error.message.startsWith(said), error.message);
    t.true(error.message.endsWith(`Correct ${from}, or leave it out to get the default.`));
  });
}

test("a version between two lines that exist is refused, and a newer one than all is tried", async (t) => {
  const php = (version: string) => makeTree(t, { ...PHP, ".php-version": version });
  await t.throwsAsync(detect(await php("7.4")), { code: "no-such-version" });
  await t.notThrowsAsync(detect(await php("9.1")));
  await t.throwsAsync(detect(await makeTree(t, { ...JAVA, ".java-version": "12" })), {
    code: "no-such-version",
  });
});

for (const [files, from] of [
  [{ ...PYTHON, ".python-version": "pypy3.10" }, ".python-version"],
  [{ ...RUST, "rust-toolchain.toml": '[toolchain]\nchannel = "nightly"\n' }, "rust-toolchain.toml"],
  [{ ...RUBY, Gemfile: "ruby 'newest'\n" }, "Gemfile"],
  [{ "Old.csproj": "<TargetFramework>net48</TargetFramework>" }, "Old.csproj"],
  [{ ...NODE, ".nvmrc": "lts/unheard-of" }, ".nvmrc"],
  [{ ...GO, "go.mod": "module a\n", ".go-version": "newest" }, ".go-version"],
  [{ ...JAVA, ".java-version": "new" }, ".java-version"],
  [{ ...ELIXIR, ".elixir-version": "main" }, ".elixir-version"],
  [{ "composer.json": '{"require": {"php": "eight"}}' }, "composer.json"],
] as [Files, string][]) {
  test(`a version that is none is refused, naming ${from}`, async (t) => {
    const error = await t.throwsAsync(detect(await makeTree(t, files)), { code: "bad-version" });
    t.true(error.message.startsWith(`${from} was expected to name a version of`), error.message);
  });
}

test("a broken mise.toml is named with line and column", async (t) => {
  const dir = await makeTree(t, { ...PYTHON, "mise.toml": "[tools]\npython = \n" });
  const error = await t.throwsAsync(detect(dir), { code: "broken-toml" });
  t.regex(error.message, /^mise\.toml .*line 2, column \d+/);
});
