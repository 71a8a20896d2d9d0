import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { runsOf } from "../../support/plans.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

type Files = Record<string, string>;

/** An app that needs `sqlite`, whose entry in npm's lockfile has these fields. */
function npm(fields: object): Files {
  const dependencies = { sqlite: "1.0.0" };
  const packages = {
    "": { dependencies },
    "node_modules/sqlite": { version: "1.0.0", ...fields },
  };
  return {
    "package.json": packageJson({ dependencies }),
    "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages }),
  };
}

function other(file: string, lock: string): Files {
  return { "package.json": packageJson(), [file]: lock };
}

for (const [what, files, stage] of [
  [
    "a package of npm's that is compiled",
    npm({ hasInstallScript: true, dependencies: { "prebuild-install": "7.0.0" } }),
    "dependencies",
  ],
  ["an app with a binding.gyp", { "package.json": packageJson(), "binding.gyp": "{}" }, "build"],
  [
    "yarn's lockfile",
    other("yarn.lock", "# yarn lockfile v1\n\nnan@^2.22.0:\n  version 2.22.0\n"),
    "dependencies",
  ],
  [
    "pnpm's lockfile",
    other("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  nan@2.22.0:\n"),
    "dependencies",
  ],
  ["bun's lockfile", other("bun.lock", '{"packages": {"nan": ["nan@2.22.0"]}}'), "dependencies"],
] as [string, Files, string][]) {
  test(`compilers are there for the install, and not in the image: ${what}`, async (t) => {
    const plan = (await detect(await makeTree(t, files))) as SourcePlan;
    t.regex(runsOf(plan, stage)[0] ?? "", /apt-get install .*g\+\+ make python3/);
    t.notRegex(runsOf(plan, "app").join("\n"), /apt-get/);
  });
}

for (const [what, files] of [
  ["a package without an install script", npm({ dependencies: { "node-addon-api": "8.0.0" } })],
  [
    "an install script that only fetches",
    npm({ hasInstallScript: true, dependencies: { tar: "7" } }),
  ],
  [
    "a name that only begins so",
    other("yarn.lock", "# yarn lockfile v1\n\nnanoid@^5.0.0:\n  version 5.0.0\n"),
  ],
] as [string, Files][]) {
  test(`no compilers are fetched for ${what}`, async (t) => {
    const plan = (await detect(await makeTree(t, files))) as SourcePlan;
    t.notRegex(runsOf(plan).join("\n"), /apt-get/);
  });
}
