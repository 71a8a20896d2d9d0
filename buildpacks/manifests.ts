import type { Tree } from "./tree.ts";

/** Files that say of a folder that an app is in it, and in which language. */
export const MANIFESTS = [
  "Dockerfile",
  "Gemfile",
  "composer.json",
  "requirements.txt",
  "pyproject.toml",
  "Pipfile",
  "mix.exs",
  "go.mod",
  "pom.xml",
  "build.gradle",
  "build.gradle.kts",
  "Cargo.toml",
  "deno.json",
  "package.json",
  "index.html",
];

/** True when only the names of source files can tell the language. */
export async function hasSourcesAlone(tree: Tree): Promise<boolean> {
  const names = await tree.names();
  return !names.some((name) => name !== "index.html" && MANIFESTS.includes(name));
}
