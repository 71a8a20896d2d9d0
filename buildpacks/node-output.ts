import { isObject, parseJsonObject } from "./json.ts";
import type { Package } from "./node-package.ts";
import type { Tree } from "./tree.ts";

/** A folder that a build fills with a site. */
export interface SiteOutput {
  folder: string;
  /** Unknown paths get index.html. */
  spa: boolean;
  /** The tool that fills it. */
  tool: string;
}

/** Start scripts that serve while someone develops, and not a site that was built. */
const DEVELOPMENT =
  /^(?:npx )?(?:vite|vite (?:dev|serve|preview)|react-scripts start|ng serve|vue-cli-service serve|astro (?:dev|preview)|gatsby (?:develop|serve)|docusaurus (?:start|serve)|vitepress (?:dev|preview)|eleventy --serve|parcel)(?:\s|$)/;

/** Frameworks whose build is a server, even where Vite is beneath. */
const SERVER_FRAMEWORKS = [
  "@remix-run/node",
  "@react-router/node",
  "@sveltejs/adapter-node",
  "@astrojs/node",
  "@solidjs/start",
  "@tanstack/react-start",
  "vike",
];

const SITES: readonly [dependency: string, folder: string, spa: boolean][] = [
  ["react-scripts", "build", true],
  ["@vue/cli-service", "dist", true],
  ["gatsby", "public", false],
  ["@docusaurus/core", "build", false],
  ["@11ty/eleventy", "_site", false],
  ["@sveltejs/adapter-static", "build", false],
  ["astro", "dist", false],
  ["vite", "dist", true],
  ["parcel", "dist", true],
];

/** A start script that is of use in production; null when there is none. */
export function startScript({ scripts }: Package): string | null {
  const start = scripts["start"]?.trim();
  return start && !DEVELOPMENT.test(start) ? start : null;
}

/** Where the build leaves a site, for an app without a server of its own; null for all others. */
export async function siteOutput(tree: Tree, pkg: Package): Promise<SiteOutput | null> {
  const { dependencies, scripts } = pkg;
  const has = (name: string): boolean => Object.hasOwn(dependencies, name);
  const build = scripts["build"] ?? "";
  if (build === "") return null;
  if (has("next"))
    return (await exportsSite(tree)) ? { folder: "out", spa: false, tool: "Next" } : null;
  if (has("nuxt"))
    return /\bgenerate\b/.test(build)
      ? { folder: ".output/public", spa: false, tool: "Nuxt" }
      : null;
  if (startScript(pkg) !== null || SERVER_FRAMEWORKS.some(has)) return null;
  if (has("@angular/cli")) return angularOutput(tree);
  if (has("vitepress")) return vitepressOutput(build);
  const [dependency, folder, spa] = SITES.find(([name]) => has(name)) ?? [];
  return dependency === undefined
    ? null
    : { folder: folder ?? "", spa: spa ?? false, tool: dependency };
}

async function exportsSite(tree: Tree): Promise<boolean> {
  for (const file of ["next.config.js", "next.config.mjs", "next.config.ts"]) {
    if (/\boutput\s*:\s*["'`]export["'`]/.test((await tree.read(file)) ?? "")) return true;
  }
  return false;
}

async function angularOutput(tree: Tree): Promise<SiteOutput | null> {
  const text = await tree.read("angular.json");
  if (text === null) return null;
  const projects = parseJsonObject("angular.json", text)["projects"];
  const [name, project] = Object.entries(isObject(projects) ? projects : {})[0] ?? [];
  if (name === undefined || !/^[\w./@-]+$/.test(name)) return null;
  const path = ["architect", "build", "options", "outputPath"].reduce<unknown>(
    (value, key) => (isObject(value) ? value[key] : undefined),
    project,
  );
  const named = isObject(path) ? path["base"] : path;
  const folder = typeof named === "string" && /^[\w./-]+$/.test(named) ? named : `dist/${name}`;
  return { folder: `${folder}/browser`, spa: true, tool: "Angular" };
}

function vitepressOutput(build: string): SiteOutput {
  const root = /vitepress build\s+([\w./-]+)/.exec(build)?.[1];
  return { folder: `${root ? `${root}/` : ""}.vitepress/dist`, spa: false, tool: "VitePress" };
}
