import test from "ava";
import { detect } from "../../../buildpacks/detect.ts";
import type { SourcePlan } from "../../../buildpacks/plan.ts";
import { makeTree, packageJson } from "../../support/tree.ts";

type Files = Record<string, string>;

/** A tree whose package.json has these dependencies and scripts alone. */
function tree(names: string[], scripts: Record<string, string>, more: Files = {}): Files {
  const dependencies = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  return { "package.json": packageJson({ dependencies, scripts }), ...more };
}

for (const [files, web] of [
  [tree(["next"], { build: "next build" }), "next start -p $PORT"],
  [tree(["nuxt"], { build: "nuxt build" }), "node .output/server/index.mjs"],
  [tree(["@remix-run/node", "@remix-run/serve"], {}), "remix-serve build/server/index.js"],
  [
    tree(["@react-router/node", "@react-router/serve", "vite"], { build: "react-router build" }),
    "react-router-serve build/server/index.js",
  ],
  [
    tree(["astro", "@astrojs/node"], { build: "astro build", start: "astro dev" }),
    "HOST=0.0.0.0 node dist/server/entry.mjs",
  ],
  [tree(["@sveltejs/adapter-node", "vite"], { build: "vite build" }), "node build"],
  [tree(["@nestjs/core"], { build: "nest build" }), "node dist/main.js"],
] as [Files, string][]) {
  test(`a server is started by its framework's convention: ${web}`, async (t) => {
    t.deepEqual((await detect(await makeTree(t, files))).processes, { web });
  });
}

const ANGULAR = {
  "angular.json": JSON.stringify({
    projects: { shop: { architect: { build: { options: { outputPath: { base: "out/shop" } } } } } },
  }),
};

for (const [files, folder, spa] of [
  [
    tree(
      ["next"],
      { build: "next build", start: "next start" },
      { "next.config.ts": "export default { output: 'export' }" },
    ),
    "out",
    false,
  ],
  [tree(["nuxt"], { build: "nuxt generate", start: "nuxt preview" }), ".output/public", false],
  [tree(["astro"], { build: "astro build", start: "astro preview" }), "dist", false],
  [tree(["vite"], { build: "vite build", start: "vite" }), "dist", true],
  [
    tree(["react-scripts"], { build: "react-scripts build", start: "react-scripts start" }),
    "build",
    true,
  ],
  [tree(["@vue/cli-service"], { build: "vue-cli-service build" }), "dist", true],
  [tree(["@sveltejs/adapter-static", "vite"], { build: "vite build" }), "build", false],
  [
    tree(["@angular/cli"], { build: "ng build", start: "ng serve" }, ANGULAR),
    "out/shop/browser",
    true,
  ],
  [
    tree(["@angular/cli"], { build: "ng build" }, { "angular.json": '{"projects":{"shop":{}}}' }),
    "dist/shop/browser",
    true,
  ],
  [tree(["gatsby"], { build: "gatsby build", start: "gatsby develop" }), "public", false],
  [tree(["@docusaurus/core"], { build: "docusaurus build" }), "build", false],
  [tree(["@11ty/eleventy"], { build: "eleventy" }), "_site", false],
  [tree(["vitepress"], { build: "vitepress build docs" }), "docs/.vitepress/dist", false],
  [tree(["parcel"], { build: "parcel build index.html", start: "parcel" }), "dist", true],
] as [Files, string, boolean][]) {
  test(`a build that leaves a site is served from its folder: ${files["package.json"]}`, async (t) => {
    const plan = (await detect(await makeTree(t, files))) as SourcePlan;
    const last = plan.stages.at(-1);
    t.is(last?.on.name, "static");
    const [taken] = (last?.steps ?? []).filter((step) => "take" in step);
    t.is(taken && "take" in taken ? taken.take : null, `/app/${folder}`);
    t.is(/try_files .* \/index\.html;/.test(plan.files["nginx.conf"] ?? ""), spa);
    t.regex(plan.processes["web"] ?? "", /nginx/);
  });
}

for (const [what, files] of [
  ["a start script of its own", tree(["vite"], { build: "vite build", start: "node server.js" })],
  [
    "a framework that serves",
    tree(["vite", "@remix-run/node", "@remix-run/serve"], { build: "remix vite:build" }),
  ],
] as [string, Files][]) {
  test(`a build by Vite is no site beside ${what}`, async (t) => {
    const plan = (await detect(await makeTree(t, files))) as SourcePlan;
    t.is(plan.stages.at(-1)?.on.name, "node-run");
  });
}
