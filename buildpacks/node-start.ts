import { PlanError } from "./errors.ts";
import type { Package } from "./node.ts";
import { readProcfile } from "./procfile.ts";
import type { Tree } from "./tree.ts";

/** Words that the shell would leave as they are. */
const PLAIN_NODE = /^node(\s+[\w./@:=,+-]+)+$/;

/**
 * The Procfile's process types, with `web` found elsewhere where it names none.
 * @throws PlanError no-start-command, broken-procfile
 */
export async function nodeProcesses(tree: Tree, pkg: Package): Promise<Record<string, string>> {
  const named = (await readProcfile(tree)) ?? {};
  if (named["web"] !== undefined) return named;
  const web = startScript(pkg) ?? (await startFile(tree, pkg));
  if (web === null) throw new PlanError("no-start-command");
  return { web, ...named };
}

/** npm stands between the app and its signals, so it is left out where it adds nothing. */
function startScript({ scripts }: Package): string | null {
  const start = scripts["start"]?.trim();
  if (!start) return null;
  const alone = scripts["prestart"] === undefined && scripts["poststart"] === undefined;
  return alone && PLAIN_NODE.test(start) ? start : "npm start";
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
