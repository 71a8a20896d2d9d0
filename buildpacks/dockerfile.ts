import { imagesOf } from "./dockerfile-images.ts";
import { PlanError } from "./errors.ts";
import type { Detector, DockerfilePlan } from "./plan.ts";
import { readProcfile } from "./procfile.ts";
import type { Tree } from "./tree.ts";

/** Directives stand before everything else; both comment signs are understood by builders. */
const DIRECTIVE = /^\s*(?:#|\/\/)\s*([a-z]+)\s*=(.*)$/is;
/** Its features are those of the builder in the engine, so that nothing need be fetched. */
const OWN_SYNTAX = /^(?:docker\.io\/)?docker\/dockerfile(?::[\w.-]+)?$/;

/** Apps that bring a Dockerfile, used as it is. */
export const dockerfile: Detector = {
  name: "dockerfile",
  looksFor: "a Dockerfile",
  plan: (tree) => planDockerfile(tree, "Dockerfile"),
};

/** Null when there is no such file. @throws PlanError foreign-syntax, points-outside, broken-procfile */
export async function planDockerfile(tree: Tree, file: string): Promise<DockerfilePlan | null> {
  const text = await tree.read(file);
  if (text === null) return null;
  const procfile = await readProcfile(tree);
  const used = withoutSyntax(text);
  const warnings = used.left
    ? [`The line 'syntax=${used.left}' is left out: the engine's own builder is used.`]
    : [];
  return {
    buildpack: "dockerfile",
    why: procfile ? `${file} with Procfile` : file,
    warnings,
    dockerfile: used.text,
    from: imagesOf(text),
    processes: { web: "", ...procfile },
  };
}

/** A syntax line names an image that would run as the builder. @throws PlanError foreign-syntax */
function withoutSyntax(text: string): { text: string; left: string | null } {
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (index === 0 && line.startsWith("#!")) continue;
    const [, name, given = ""] = DIRECTIVE.exec(line) ?? [];
    const value = given.trim();
    if (name?.toLowerCase() === "syntax") {
      if (!OWN_SYNTAX.test(value))
        throw new PlanError("foreign-syntax", { line: index + 1, came: value });
      // An empty comment keeps the numbers of the lines below.
      return { text: lines.with(index, "#").join("\n"), left: value };
    }
    // Also looks behind plain comments, where some builders do and some do not.
    if (!/^\s*(#|\/\/|$)/.test(line)) break;
  }
  return refuseJsonSyntax(text);
}

/** Builders also take the name from a JSON object in the first lines. */
function refuseJsonSyntax(text: string): { text: string; left: null } {
  const found = /^\s*\{[^}]*"syntax"\s*:\s*"([^"]*)"/.exec(text);
  if (found) throw new PlanError("foreign-syntax", { line: 1, came: found[1] ?? "" });
  return { text, left: null };
}
