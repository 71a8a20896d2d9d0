import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { copiesOf, runsOf } from "../../support/plans.ts";
import { makeTree } from "../../support/tree.ts";

type Files = Record<string, string>;

const LOCK = '[[package]]\nname = "greet"\nversion = "1.0.0"\n';
const PYPROJECT = '[project]\nname = "a"\ndependencies = ["greet"]\n';
const POETRY = '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3.11"\n';
const PIPFILE = '[packages]\ngreet = { path = "libs/greet", editable = true }\n';

/** Without packages in folders the manifests alone are copied before an install. */
for (const [what, files, first, whole] of [
  ["uv", { "pyproject.toml": PYPROJECT, "uv.lock": LOCK }, "pyproject.toml uv.lock", false],
  [
    "uv with a source in a folder",
    {
      "pyproject.toml": `${PYPROJECT}[tool.uv.sources]\ngreet = { path = "libs/greet" }\n`,
      "uv.lock": LOCK,
    },
    ".",
    true,
  ],
  [
    "a workspace of uv",
    {
      "pyproject.toml": `${PYPROJECT}[tool.uv.workspace]\nmembers = ["libs/*"]\n`,
      "uv.lock": LOCK,
    },
    ".",
    true,
  ],
  [
    "poetry",
    { "pyproject.toml": `${POETRY}greet = "1.0.0"\n`, "poetry.lock": LOCK },
    "pyproject.toml poetry.lock",
    false,
  ],
  [
    "poetry with a package in a folder",
    { "pyproject.toml": `${POETRY}greet = { path = "libs/greet" }\n`, "poetry.lock": LOCK },
    ".",
    true,
  ],
  ["pipenv with a package in a folder", { Pipfile: PIPFILE }, ".", true],
] as [string, Files, string, boolean][]) {
  test(`what an install reads is there before it: ${what}`, async (t) => {
    const plan = (await detect(await makeTree(t, { ...files, "main.py": "" }))) as SourcePlan;
    t.is(copiesOf(plan, "build")[0], first);
    const last = plan.stages.at(-1)?.steps ?? [];
    t.is(
      last.some((step) => "take" in step && step.take === "/app/"),
      whole,
      "what was installed from a folder is found in it when the app runs",
    );
  });
}

test("a Go module in a folder needs no go.sum, and nothing is downloaded before it is there", async (t) => {
  const mod = "module a\n\ngo 1.22\n\nrequire b.c/greet v0.0.0\n\nreplace b.c/greet => ./greet\n";
  const files = {
    "go.mod": mod,
    "main.go": "package main\n",
    "greet/go.mod": "module b.c/greet\n",
  };
  const plan = (await detect(await makeTree(t, files))) as SourcePlan;
  t.deepEqual(copiesOf(plan, "build"), ["."]);
  t.notRegex(runsOf(plan).join("\n"), /go mod download/);
  const elsewhere = { ...files, "go.mod": mod.replace("./greet", "b.c/other v1.0.0") };
  await t.throwsAsync(detect(await makeTree(t, elsewhere)), { code: "no-lockfile" });
});

test("Elixir: packages in folders alone need no hex; beside others the whole tree comes first", async (t) => {
  const mix = (deps: string) => ({ "mix.exs": `def project, do: [app: :a, deps: [${deps}]]` });
  const plan = async (deps: string) => (await detect(await makeTree(t, mix(deps)))) as SourcePlan;
  const local = await plan('{:greet, path: "greet"}');
  t.notRegex(runsOf(local).join("\n"), /hex|deps\.get/);
  const both = await plan('{:greet, path: "greet"}, {:plug, "~> 1.16"}');
  t.deepEqual(copiesOf(both, "build"), ["."]);
  t.regex(runsOf(both).join("\n"), /local\.hex[^]*deps\.get/);
  t.deepEqual(copiesOf(await plan('{:plug, "~> 1.16"}'), "build"), ["mix.exs", "."]);
});
