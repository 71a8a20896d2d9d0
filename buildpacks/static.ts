import { PlanError } from "./errors.ts";
import { parseHeaders } from "./headers.ts";
import { nginxConfig, PORT_MARK } from "./nginx.ts";
import type { Detector, Runtime, Stage } from "./plan.ts";
import { readProcfile } from "./procfile.ts";
import { HOME, stage } from "./stages.ts";
import { trimEndOf } from "./text.ts";
import type { Tree } from "./tree.ts";

const NGINX: Runtime = { name: "static", range: "*", from: "default" };
const CONFIG = "/etc/teal/nginx.conf";
const START = `sed "s/${PORT_MARK}/$PORT/" ${CONFIG} > /tmp/nginx.conf && exec nginx -c /tmp/nginx.conf`;
/** Folders that hold a site, where the top has none. */
const FOLDERS = ["public", "dist", "site", "_site", "docs", "www"];

/** Sites that are served as they were committed. */
export const staticSite: Detector = {
  name: "static",
  looksFor: "an index.html",
  plan: async (tree) => {
    const asked = parseStaticfile(await tree.read("Staticfile"));
    const folder = asked?.root ?? (await siteFolder(tree));
    if (folder === null) {
      if (asked === null) return null;
      throw new PlanError("not-buildable", {
        expected: "An index.html at the top, or a line 'root: FOLDER' in the Staticfile",
        came: "neither",
        todo: "Name the site's folder in the Staticfile.",
      });
    }
    if (!(await tree.isFolder(folder)))
      throw new PlanError("not-buildable", {
        expected: `The folder '${folder}' that the Staticfile names`,
        came: "no such folder",
        todo: "Correct its line 'root:'.",
      });
    const served = await serveSite(tree, {
      spa: asked?.spa ?? false,
      listing: asked?.listing ?? false,
      root: folder,
    });
    return {
      buildpack: "static",
      why: asked ? "Staticfile" : folder === "." ? "index.html" : `${folder}/index.html`,
      warnings: [],
      runtime: NGINX,
      stages: [served.stage(folder, null)],
      files: served.files,
      leavesOut: [],
      processes: served.processes,
    };
  },
};

async function siteFolder(tree: Tree): Promise<string | null> {
  if (await tree.has("index.html")) return ".";
  for (const folder of FOLDERS) {
    if ((await tree.read(`${folder}/index.html`)) !== null) return folder;
  }
  return null;
}

interface Served {
  /** The image that serves `folder` of the tree, or of what the stage `from` has built. */
  stage(folder: string, from: string | null): Stage;
  files: Record<string, string>;
  processes: Record<string, string>;
}

/** How a folder is served, with the tree's own headers. @throws PlanError broken-line, broken-procfile */
export async function serveSite(
  tree: Tree,
  { root, spa, listing = false }: { root: string; spa: boolean; listing?: boolean },
): Promise<Served> {
  const folder = root === "." ? "" : `${root}/`;
  const text =
    (await tree.read(`${folder}_headers`)) ??
    (await tree.read("public/_headers")) ??
    (await tree.read("_headers"));
  const site = { root: `${HOME}/site`, spa, listing, headers: parseHeaders(text ?? "") };
  const procfile = (await readProcfile(tree)) ?? {};
  return {
    stage: (path, from) =>
      stage("app", NGINX, [
        { bring: "nginx.conf", to: CONFIG },
        from === null
          ? { copy: [path], to: "site" }
          : { take: `${HOME}/${path}`, from, to: "./site" },
      ]),
    files: { "nginx.conf": nginxConfig(site) },
    processes: { ...procfile, web: START },
  };
}

interface Staticfile {
  root: string | null;
  spa: boolean;
  listing: boolean;
}

/** Lines `root: FOLDER`, `pushstate: enabled` (or `spa: true`), `directory: visible`; null when there is no Staticfile. */
function parseStaticfile(text: string | null): Staticfile | null {
  if (text === null) return null;
  const found: Staticfile = { root: null, spa: false, listing: false };
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || /^(#|---)/.test(line)) continue;
    const [, name = "", given = ""] = /^([\w-]+)\s*:(.*)$/.exec(line) ?? [];
    const value = given.trim();
    const on = /^(enabled|true|yes|visible|on)$/i.test(value);
    if (name === "root" && isFolderName(value)) found.root = trimEndOf(value, "/") || ".";
    else if (name === "pushstate" || name === "spa") found.spa = on;
    else if (name === "directory") found.listing = on;
    else {
      const expected =
        "'root: FOLDER' within the tree, 'pushstate: enabled' or 'directory: visible'";
      throw new PlanError("broken-line", {
        file: "Staticfile",
        line: index + 1,
        expected,
        came: line,
      });
    }
  }
  return found;
}

function isFolderName(value: string): boolean {
  return /^[\w.][\w./-]*$/.test(value) && !value.split("/").includes("..");
}
