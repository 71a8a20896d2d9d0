import { PlanError } from "./errors.ts";
import { startScript } from "./node-output.ts";
import type { Package } from "./node-package.ts";
import { readProcfile } from "./procfile.ts";
import type { Tree } from "./tree.ts";

/** Words that the shell would leave as they are. */
const PLAIN_NODE = /^node(\s+[\w./@:=,+-]+)+$/;

/** How frameworks are started that package.json does not say it of. */
const FRAMEWORKS: readonly [dependency: string, command: string][] = [
  ["next", "next start -p $PORT"],
  ["nuxt", "node .output/server/index.mjs"],
  ["@remix-run/serve", "remix-serve build/server/index.js"],
  ["@react-router/serve", "react-router-serve build/server/index.js"],
  ["@astrojs/node", "HOST=0.0.0.0 node dist/server/entry.mjs"],
  ["@sveltejs/adapter-node", "node build"],
  ["@nestjs/core", "node dist/main.js"],
];

/**
 * The Procfile's process types, with `web` found elsewhere where it names none.
 * @throws PlanError no-start-command, broken-procfile
 */
export async function nodeProcesses(tree: Tree, pkg: Package): Promise<Record<string, string>> {
  const named = (await readProcfile(tree)) ?? {};
  if (named["web"] !== undefined) return named;
  const web = byScript(pkg) ?? byFramework(pkg) ?? (await startFile(tree, pkg));
  if (web === null) {
    const tried = "no scripts.start in package.json, no server.js, and no file that 'main' names";
    throw new PlanError("no-start-command", { tried, example: "node app.js" });
  }
  return { web, ...named };
}

/** npm stands between the app and its signals, so it is left out where it adds nothing. */
function byScript(pkg: Package): string | null {
  const { scripts } = pkg;
  const start = startScript(pkg);
  if (start === null) return null;
  const alone = scripts["prestart"] === undefined && scripts["poststart"] === undefined;
  if (alone && /^bun\s/.test(start)) return start;
  return alone && PLAIN_NODE.test(start) ? start : "npm start";
}

function byFramework({ dependencies }: Package): string | null {
  return FRAMEWORKS.find(([name]) => Object.hasOwn(dependencies, name))?.[1] ?? null;
}

async function startFile(tree: Tree, { main, scripts }: Package): Promise<string | null> {
  if ((await tree.read("server.js")) !== null) return "node server.js";
  if (main === null || !/^[\w./@-]+$/.test(main) || main.startsWith("/")) return null;
  const built = scripts["build"] !== undefined;
  for (const file of [main, `${main}.js`, `${main}/index.js`]) {
    if (await isFile(tree, file)) return `node ${file}`;
  }
  return built ? `node ${main}` : null;
}

async function isFile(tree: Tree, file: string): Promise<boolean> {
  try {
    return (await tree.read(file)) !== null;
  } catch (error) {
    if (error instanceof PlanError && error.code === "not-a-file") return false;
    throw error;
  }
}
