import type { Package } from "./node-package.ts";
import type { CacheMount } from "./plan.ts";
import type { Tree } from "./tree.ts";

/** A tool that installs Node's packages, as far as this app goes. */
export interface Manager {
  name: "npm" | "yarn" | "pnpm" | "bun";
  /** Null when the app has none. */
  lockfile: string | null;
  /** Its own files at the top of the tree, other than the lockfile. */
  files: string[];
  /** Puts the tool into a build stage; null when it is there. */
  setUp: string | null;
  /** With what the app runs on. */
  production: string;
  /** With what builds it, too. */
  everything: string;
  prune: string;
  /** Runs a script of package.json. */
  script(name: string): string;
  caches: CacheMount[];
  env: Record<string, string>;
}

export const NPM_CACHE: CacheMount = { name: "npm", target: "/root/.npm" };
/** npm says only what is about the app. */
const NPM_ENV = {
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
};

/** The tool that package.json names, else the one whose lockfile is there, else npm. */
export async function findManager(tree: Tree, pkg: Package): Promise<Manager> {
  const names = await tree.names();
  const [named, version = null] = pkg.packageManager?.split("@") ?? [];
  const has = (file: string): boolean => names.includes(file);
  const files = [".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pnpm-workspace.yaml"].filter(
    has,
  );
  const npmLock = ["package-lock.json", "npm-shrinkwrap.json"].find(has) ?? null;
  const bunLock = ["bun.lock", "bun.lockb"].find(has) ?? null;
  const asked = (name: string): string | null => (named === name ? version : null);

  if (npmLock === null || (named !== undefined && named !== "npm")) {
    if (has("pnpm-lock.yaml") || named === "pnpm") {
      const lock = await tree.read("pnpm-lock.yaml");
      return pnpm(lock, asked("pnpm"), files);
    }
    if (has("yarn.lock") || named === "yarn") {
      const lock = await tree.read("yarn.lock");
      const modern = has(".yarnrc.yml") || /^__metadata:/m.test(lock ?? "");
      return yarn(lock, modern, asked("yarn"), files);
    }
    if (bunLock !== null || named === "bun") return bun(bunLock, asked("bun"), files);
  }
  return npm(npmLock, files);
}

function npm(lockfile: string | null, files: string[]): Manager {
  const verb = lockfile ? "ci" : "install";
  return {
    name: "npm",
    lockfile,
    files,
    setUp: null,
    production: `npm ${verb} --omit=dev`,
    everything: `npm ${verb} --include=dev`,
    prune: "npm prune --omit=dev",
    script: (name) => `npm run ${name}`,
    caches: [NPM_CACHE],
    env: NPM_ENV,
  };
}

function pnpm(lock: string | null, version: string | null, files: string[]): Manager {
  const format = /^lockfileVersion:\s*'?(\d+)/m.exec(lock ?? "")?.[1];
  const fitting = format === "5" ? "7" : format === "6" ? "8" : "10";
  const frozen = lock === null ? "" : " --frozen-lockfile";
  return {
    name: "pnpm",
    lockfile: lock === null ? null : "pnpm-lock.yaml",
    files,
    setUp: `npm install --global pnpm@${safe(version) ?? fitting}`,
    production: `pnpm install${frozen} --prod`,
    everything: `pnpm install${frozen} --prod=false`,
    // 'pnpm prune' takes away what the packages of a workspace need.
    prune: `pnpm install${frozen} --prod --ignore-scripts --prefer-offline --config.modules-cache-max-age=0`,
    script: (name) => `pnpm run ${name}`,
    caches: [{ name: "pnpm", target: "/root/.pnpm-store" }],
    env: { ...NPM_ENV, CI: "true", npm_config_store_dir: "/root/.pnpm-store" },
  };
}

function yarn(
  lock: string | null,
  modernFiles: boolean,
  version: string | null,
  files: string[],
): Manager {
  const lockfile = lock === null ? null : "yarn.lock";
  const modern = version === null ? modernFiles : !version.startsWith("1");
  const common = {
    name: "yarn",
    lockfile,
    files,
    script: (name: string) => `yarn run ${name}`,
  } as const;
  if (modern) {
    const everything = lockfile ? "yarn install --immutable" : "yarn install";
    return {
      ...common,
      setUp: `npm install --global @yarnpkg/cli-dist@${safe(version) ?? "4"}`,
      production: "yarn workspaces focus --all --production",
      everything,
      prune: "yarn workspaces focus --all --production",
      caches: [{ name: "yarn", target: "/root/.yarn/berry" }],
      // Plain node_modules, so that no loader is needed to start the app.
      env: { ...NPM_ENV, YARN_NODE_LINKER: "node-modules", YARN_ENABLE_TELEMETRY: "0" },
    };
  }
  const frozen = lockfile ? " --frozen-lockfile" : "";
  return {
    ...common,
    setUp: `npm install --global yarn@${safe(version) ?? "1"}`,
    production: `yarn install${frozen} --production=true`,
    everything: `yarn install${frozen} --production=false`,
    prune: `yarn install${frozen} --production=true --ignore-scripts --prefer-offline`,
    caches: [{ name: "yarn-classic", target: "/root/.cache/yarn", locked: true }],
    env: { ...NPM_ENV, YARN_CACHE_FOLDER: "/root/.cache/yarn" },
  };
}

function bun(lockfile: string | null, version: string | null, files: string[]): Manager {
  const frozen = lockfile ? " --frozen-lockfile" : "";
  return {
    name: "bun",
    lockfile,
    files,
    setUp: `npm install --global bun@${safe(version) ?? "1"}`,
    production: `bun install${frozen} --production`,
    everything: `bun install${frozen}`,
    prune: `rm -rf node_modules && bun install${frozen} --production`,
    script: (name) => `bun run ${name}`,
    caches: [{ name: "bun", target: "/root/.bun/install/cache" }],
    env: NPM_ENV,
  };
}

/** Versions stand in commands: anything but a plain one counts as none. */
function safe(version: string | null): string | null {
  return version !== null && /^[\w.-]+$/.test(version) ? version : null;
}
