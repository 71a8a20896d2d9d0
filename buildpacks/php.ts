import { apacheConfig } from "./apache.ts";
import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject, type JsonObject } from "./json.ts";
import type { Detector, Runtime, SourcePlan, Stage, Step } from "./plan.ts";
import { readProcfile } from "./procfile.ts";
import { composerRange } from "./ranges.ts";
import { sameVersion } from "./runtimes.ts";
import { copy, copyTree, HOME, run, stage, takeTree } from "./stages.ts";
import { trimEndOf } from "./text.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles } from "./versions.ts";

const CONFIG = "/etc/teal/apache.conf";
const START = `exec apache2 -DFOREGROUND -f ${CONFIG}`;
const COMPOSER = { name: "composer", target: "/root/.composer/cache" };
/** Extensions that every PHP here has. */
const BUILT_IN = [
  "ctype",
  "curl",
  "dom",
  "fileinfo",
  "filter",
  "hash",
  "iconv",
  "json",
  "libxml",
  "mbstring",
  "openssl",
  "pcre",
  "pdo",
  "phar",
  "posix",
  "session",
  "simplexml",
  "sockets",
  "spl",
  "tokenizer",
  "xml",
  "xmlreader",
  "xmlwriter",
  "zlib",
];
/** Web servers of other platforms that Procfiles name, and the folder that they serve. */
const HOSTED = /^(?:vendor\/bin\/)?heroku-php-(?:apache2|nginx)(?:\s+([\w./-]+))?\s*$/;

/** Apps in PHP, with or without Composer, behind Apache. */
export const php: Detector = {
  name: "php",
  looksFor: "a composer.json or an index.php",
  plan: async (tree) => {
    const text = await tree.read("composer.json");
    if (text !== null) return planPhp(tree, parseJsonObject("composer.json", text));
    const plain = (await tree.has("index.php")) || (await tree.has("public/index.php"));
    return plain ? planPhp(tree, null) : null;
  },
};

async function planPhp(tree: Tree, composer: JsonObject | null): Promise<SourcePlan> {
  const runtime = await phpRuntime(tree, composer);
  const locked = composer !== null && (await tree.has("composer.lock"));
  if (locked) checkComposerLock(composer, (await tree.read("composer.lock")) ?? "");
  const procfile = (await readProcfile(tree)) ?? {};
  const hosted = HOSTED.exec(procfile["web"] ?? "");
  const served = hosted?.[1] === undefined ? await documentRoot(tree) : trimEndOf(hosted[1], "/");
  const processes = { ...procfile, web: hosted ? START : (procfile["web"] ?? START) };
  const common = {
    buildpack: "php",
    runtime,
    files: { "apache.conf": apacheConfig(served === "." ? HOME : `${HOME}/${served}`) },
    leavesOut: ["**/node_modules"],
    processes,
  } as const;
  const setUp: Step[] = [
    { bring: "apache.conf", to: CONFIG },
    ...extensions(requirements(composer)),
  ];
  if (composer === null) {
    const stages = [stage("app", runtime, [...setUp, copyTree()])];
    return { ...common, why: "PHP files without composer.json", warnings: [], stages };
  }
  const assets = await assetStage(tree);
  const taken: Step[] = assets
    ? [{ take: `${HOME}/public/build`, from: "assets", to: "./public/build" }]
    : [];
  return {
    ...common,
    leavesOut: ["**/node_modules", "vendor"],
    why: locked ? "composer.json with composer.lock" : "composer.json without a lockfile",
    warnings: locked
      ? []
      : ["There is no composer.lock: versions are chosen anew at every build. Commit one."],
    stages: [
      composerStage(runtime, installFiles(composer, locked)),
      ...(assets ? [assets] : []),
      stage("app", runtime, [...setUp, takeTree("build"), ...taken]),
    ],
  };
}

/** Every package must stand in the lockfile. @throws PlanError broken-json, bad-lockfile */
function checkComposerLock(composer: JsonObject, text: string): void {
  const lock = parseJsonObject("composer.lock", text);
  const packages = [lock["packages"], lock["packages-dev"]].flat().filter(isObject);
  const keysOf = (value: unknown): string[] => Object.keys(isObject(value) ? value : {});
  const names = packages.flatMap(({ name, provide, replace }) => [
    String(name),
    ...keysOf(provide),
    ...keysOf(replace),
  ]);
  // Names without a slash are PHP itself and its extensions.
  const asked = keysOf(composer["require"]).filter((name) => name.includes("/"));
  const missing = asked.find(
    (name) => !names.some((one) => one.toLowerCase() === name.toLowerCase()),
  );
  if (missing === undefined) return;
  throw new PlanError("bad-lockfile", {
    file: "composer.lock",
    manifest: "composer.json",
    detail: `${missing} is in composer.json and not in composer.lock`,
    command: `composer update ${missing}`,
  });
}

/** The whole tree where packages lie in folders of it. */
function installFiles({ repositories }: JsonObject, locked: boolean): string[] {
  const all = isObject(repositories) ? Object.values(repositories) : [repositories].flat();
  if (all.some((one) => isObject(one) && one["type"] === "path")) return ["."];
  return ["composer.json", ...(locked ? ["composer.lock"] : [])];
}

/** Packages first; the autoloader, which knows the app's own classes, when they are there. */
function composerStage(runtime: Runtime, files: string[]): Stage {
  const options = "--no-dev --no-interaction --no-progress";
  return stage(
    "build",
    sameVersion(runtime, "php-build"),
    [
      copy(files),
      run(
        `composer install ${options} --prefer-dist --no-scripts --no-autoloader --ignore-platform-reqs`,
        [COMPOSER],
      ),
      ...(files.includes(".") ? [] : [copy(["."])]),
      run(
        `composer dump-autoload ${options.replace(" --no-progress", "")} --optimize --ignore-platform-reqs`,
      ),
    ],
    { env: { COMPOSER_ALLOW_SUPERUSER: "1", COMPOSER_HOME: "/root/.composer" } },
  );
}

/** Style sheets and scripts of Laravel's, built by Vite. */
async function assetStage(tree: Tree): Promise<Stage | null> {
  const text = await tree.read("package.json");
  const scripts = text === null ? null : parseJsonObject("package.json", text)["scripts"];
  if (!isObject(scripts) || typeof scripts["build"] !== "string") return null;
  const names = await tree.names();
  if (!names.some((name) => name.startsWith("vite.config."))) return null;
  const lock = names.includes("package-lock.json");
  const node: Runtime = { name: "node", range: "24.x", from: "default" };
  return stage("assets", node, [
    copy(["package.json", ...(lock ? ["package-lock.json"] : [])]),
    run(`npm ${lock ? "ci" : "install"}`, [{ name: "npm", target: "/root/.npm" }]),
    copy(["."]),
    run("npm run build && mkdir -p public/build"),
  ]);
}

/** Frameworks keep what is public in a folder of its own. */
async function documentRoot(tree: Tree): Promise<string> {
  for (const folder of ["public", "web", "webroot", "htdocs"]) {
    if (await tree.has(`${folder}/index.php`)) return folder;
  }
  return ".";
}

function requirements(composer: JsonObject | null): Record<string, unknown> {
  return isObject(composer?.["require"]) ? composer["require"] : {};
}

/** Official images compile an extension; Debian has it as a package. */
function extensions(require: Record<string, unknown>): Step[] {
  const asked = Object.keys(require)
    .filter((name) => /^ext-[a-z0-9_]+$/.test(name))
    .map((name) => name.slice(4).replace("zend-opcache", "opcache"))
    .filter((name) => !BUILT_IN.includes(name));
  if (asked.length === 0) return [];
  const debian = asked.map((name) => `php-${name.replace(/^pdo_/, "").replaceAll("_", "-")}`);
  return [
    run(
      `if command -v docker-php-ext-install >/dev/null; then docker-php-ext-install ${asked.join(" ")}; else apt-get update && apt-get install -y --no-install-recommends ${debian.join(" ")} && rm -rf /var/lib/apt/lists/*; fi`,
    ),
  ];
}

async function phpRuntime(tree: Tree, composer: JsonObject | null): Promise<Runtime> {
  const files = await wishFromFiles(tree, { files: [".php-version"], tools: ["php"] });
  const asked = requirements(composer)["php"];
  const declared =
    typeof asked === "string"
      ? { text: asked, range: composerRange(asked), from: "composer.json" }
      : null;
  return runtimeOf("php", files, declared);
}
