import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { Plan } from "../../../buildpacks/plan.ts";
import { renderDockerfile } from "../../../buildpacks/render.ts";
import { FIXTURES } from "../../support/tree.ts";

/** Apps that stand for others of their kind; the rest of the fixtures are about what goes wrong. */
const LANGUAGES = [
  "classic",
  "deno",
  "dockerfile",
  "dotnet",
  "elixir",
  "go",
  "java",
  "node",
  "php",
  "python",
  "ruby",
  "rust",
  "static",
];
const OF_LANGUAGE = new RegExp(`^(${LANGUAGES.join("|")})-`);
const PLANS = new URL("../../fixtures/plans/", import.meta.url).pathname;
const apps = (await readdir(FIXTURES)).filter((name) => OF_LANGUAGE.test(name));

/** The plan, and the Dockerfile that is made of it, as they are committed. */
function written(plan: Plan): string {
  if (plan.buildpack === "dockerfile") return `${JSON.stringify(plan, null, 2)}\n`;
  const bases = {
    image: ({ name, range }: { name: string; range: string }) => `${name}:${range}`,
    ca: () => false,
    caches: "app",
  };
  const { files, ...rest } = plan;
  const brought = Object.keys(files);
  const data = JSON.stringify({ ...rest, files: brought }, null, 2);
  return `${data}\n---\n${renderDockerfile(plan, bases)}`;
}

for (const app of apps) {
  test(`the plan of ${app} is the one that is committed`, async (t) => {
    const plan = await detect(join(FIXTURES, app));
    const file = join(PLANS, `${app}.txt`);
    if (process.env["TEAL_UPDATE_PLANS"] === "1") await writeFile(file, written(plan));
    t.is(written(plan), await readFile(file, "utf8"));
    t.true(app.startsWith(`${plan.buildpack}-`));
    t.deepEqual(JSON.parse(JSON.stringify(plan)), plan, "a plan survives JSON");
    t.false(JSON.stringify(plan).includes(FIXTURES), "it holds no path of this machine");
  });
}

test("every language has three apps or more, and no plan is left over", async (t) => {
  for (const language of LANGUAGES) {
    const count = apps.filter((app) => app.startsWith(`${language}-`)).length;
    t.true(count >= 3, `${language}: ${count}`);
  }
  t.deepEqual((await readdir(PLANS)).toSorted(), apps.map((app) => `${app}.txt`).toSorted());
});
