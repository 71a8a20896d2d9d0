import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { makeTree } from "../../support/tree.ts";

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
  [PHP, "*", "default"],
] as [Files, string, string][]) {
  test(`${Object.keys(files).join(", ")}: ${range} from ${from}`, async (t) => {
    const { runtime } = (await detect(await makeTree(t, files))) as SourcePlan;
    t.is(runtime.range, range);
    t.is(runtime.from, from);
  });
}

test("a version that was never built names those that can be had", async (t) => {
  const dir = await makeTree(t, { ...PYTHON, ".python-version": "2.7" });
  const error = await t.throwsAsync(detect(dir), { code: "no-such-version" });
  t.regex(
    error.message,
    /Python .* in \.python-version; '2\.7' came, and there are 3\.14, 3\.13, /,
  );
});

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
