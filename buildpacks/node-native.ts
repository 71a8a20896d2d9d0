import { isObject, parseJsonObject } from "./json.ts";
import { NPM_CACHE } from "./node-managers.ts";
import type { Package } from "./node-package.ts";
import type { RunStep } from "./plan.ts";
import { run } from "./stages.ts";
import type { Tree } from "./tree.ts";

/** Packages by which others are compiled when they are installed. */
const COMPILED_BY = ["nan", "node-addon-api", "prebuild-install", "cmake-js"];
/** Others have these for other ends as well, unless a script runs at their install. */
const MAY_COMPILE = [...COMPILED_BY, "node-gyp", "node-pre-gyp", "@mapbox/node-pre-gyp"];
/** As the lockfiles of yarn, pnpm and bun name a package: `nan@^2.22.0:`, `"nan": [`. */
const IN_LOCKFILE = new RegExp(`["'/ \\n](?:${COMPILED_BY.join("|")})["'@:]`);

/** True when the app, or a package that it installs, is compiled from C or C++. */
export async function isCompiled(
  tree: Tree,
  { dependencies }: Package,
  lockfile: string | null,
): Promise<boolean> {
  if (await tree.has("binding.gyp")) return true;
  if (COMPILED_BY.some((name) => Object.hasOwn(dependencies, name))) return true;
  const text = lockfile === null ? "" : ((await tree.read(lockfile)) ?? "");
  if (lockfile === null || !lockfile.endsWith(".json")) return IN_LOCKFILE.test(text);
  const { packages } = parseJsonObject(lockfile, text);
  return Object.values(isObject(packages) ? packages : {}).some(compilesItself);
}

/** @param entry of npm's lockfile */
function compilesItself(entry: unknown): boolean {
  if (!isObject(entry) || entry["hasInstallScript"] !== true) return false;
  const needs = isObject(entry["dependencies"]) ? entry["dependencies"] : {};
  return MAY_COMPILE.some((name) => Object.hasOwn(needs, name));
}

const INSTALL = "apt-get install -y --no-install-recommends g++ make python3";
/** Official images have them; npm's package of Node's binary has them too. */
const HEADERS = [
  "cd /tmp",
  'npm pack --silent "node-linux-$(node -p process.arch)@$NODE_VERSION"',
  "tar -xzf node-linux-*.tgz -C /usr/local --strip-components=1 package/include",
  "rm node-linux-*.tgz",
].join(" && ");

/** Where they are, for node-gyp. */
export const HEADERS_ENV = { npm_config_nodedir: "/usr/local" };

/**
 * Compilers, and Node's own headers. Many packages bring what they would compile, so it is no
 * failure when a mirror does not answer.
 */
export const COMPILERS: RunStep = run(
  `(apt-get update && ${INSTALL} && rm -rf /var/lib/apt/lists/*) || echo 'No compilers: Debian did not give them'; ` +
    `([ -d /usr/local/include/node ] || (${HEADERS})) || true`,
  [NPM_CACHE],
);
