import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { renderDockerfile } from "../../../buildpacks/render.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

const PACK = { "packs/a/bin/detect": "", "packs/a/bin/compile": "" };
const RUBY = "https://github.com/heroku/heroku-buildpack-ruby";

function dockerfileOf(plan: SourcePlan): string {
  return renderDockerfile(plan, { image: ({ name }) => name, ca: () => false, caches: "app" });
}

test("repositories are part of the plan, each in the folder where the script looks for it", async (t) => {
  const dir = await makeTree(t, {
    ...PACK,
    ".buildpacks": `./packs/a\n${RUBY}#v300\nhttps://example.com/b.git\n`,
  });
  const plan = (await detect(dir)) as SourcePlan;
  t.deepEqual(plan.repositories, [
    { url: RUBY, ref: "v300", as: "buildpacks/2" },
    { url: "https://example.com/b.git", ref: null, as: "buildpacks/3" },
  ]);
  t.regex(
    dockerfileOf(plan),
    /COPY teal\/buildpacks \/teal\/buildpacks\n[\s\S]*RUN .*compile 'packs\/a' 'https:.*#v300' 'https/,
  );
  t.deepEqual(plan.warnings, []);
});

test("a plan with folders alone fetches nothing", async (t) => {
  const plan = (await detect(
    await makeTree(t, { ...PACK, ".buildpacks": "packs/a\n" }),
  )) as SourcePlan;
  t.is(plan.repositories, undefined);
  t.notRegex(dockerfileOf(plan), /teal\/buildpacks/);
});

for (const url of [
  "http://example.com/a",
  "git://example.com/a",
  "ssh://git@example.com/a",
  "git@example.com:a",
  "file:///a",
  "/a",
]) {
  test(`a line '${url}' in .buildpacks is refused, with its number`, async (t) => {
    const dir = await makeTree(t, { ".buildpacks": `# first\n${url}\n` });
    await t.throwsAsync(detect(dir), {
      code: "broken-line",
      message:
        /\.buildpacks line 2: a folder of the tree or an https:\/\/ address .* was expected; '.*' came/,
    });
  });
}

test("what app.json names by another word than an address is left out, and said", async (t) => {
  const buildpacks = [{ url: "heroku/nodejs" }, { url: "http://example.com/a" }, {}, 7];
  const dir = await makeTree(t, {
    "app.json": JSON.stringify({ buildpacks }),
    "package.json": packageJson(),
    "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages: { "": {} } }),
  });
  const plan = await detect(dir);
  t.is(plan.buildpack, "node");
  const said = plan.warnings.filter((warning) => warning.startsWith("app.json"));
  t.is(said.length, 4);
  t.regex(
    said[0] ?? "",
    /expected to be an https:\/\/ address .* such as https:\/\/github\.com\/heroku\/heroku-buildpack-nodejs; 'heroku\/nodejs' came and is left out\. Correct it; or remove it/,
  );
  t.regex(said[1] ?? "", /'http:\/\/example\.com\/a' came/);
  t.regex(said[2] ?? "", /'no url' came/);
  t.regex(said[3] ?? "", /'7' came/);
});

test("addresses in app.json are used beside a word that is left out; .buildpacks goes before both", async (t) => {
  const files = {
    "app.json": JSON.stringify({ buildpacks: [{ url: "heroku/ruby" }, { url: RUBY }] }),
  };
  const plan = (await detect(await makeTree(t, files))) as SourcePlan;
  t.deepEqual(plan.repositories, [{ url: RUBY, ref: null, as: "buildpacks/1" }]);
  t.regex(plan.warnings.join(), /'heroku\/ruby' came and is left out/);
  const other = await detect(await makeTree(t, { ...PACK, ...files, ".buildpacks": "packs/a\n" }));
  t.deepEqual(other.warnings, []);
});

test("app.json without buildpacks warns of nothing", async (t) => {
  const plan = await detect(await makeTree(t, { "app.json": '{"name":"a"}', "index.html": "" }));
  t.deepEqual(plan.warnings, []);
});
