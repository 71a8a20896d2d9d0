import { hasSourcesAlone } from "./manifests.ts";
import type { Detector, Runtime, SourcePlan, Step } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { conditionRange } from "./ranges.ts";
import { sameVersion } from "./runtimes.ts";
import { copy, copyTree, HOME, run, stage, takeTree } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles, type Wish } from "./versions.ts";

const GEMS = { name: "gems", target: "/root/.bundle/cache" };
const MAIN_FILES = ["server.rb", "app.rb", "main.rb"];

/** Apps in Ruby: Rails, Rack, or a file that is a server. */
export const ruby: Detector = {
  name: "ruby",
  looksFor: "a Gemfile",
  plan: async (tree) => {
    const gemfile = await tree.read("Gemfile");
    if (gemfile !== null) return planRuby(tree, gemfile);
    const names = await tree.names();
    if (!(await hasSourcesAlone(tree))) return null;
    const alone = ["config.ru", ...MAIN_FILES].some((file) => names.includes(file));
    return alone ? planRuby(tree, null) : null;
  },
};

async function planRuby(tree: Tree, gemfile: string | null): Promise<SourcePlan> {
  const lock = gemfile === null ? null : await tree.read("Gemfile.lock");
  const gems = gemsOf(gemfile ?? "", lock ?? "");
  const rails = gems.includes("rails") || gems.includes("railties");
  const runtime = await rubyRuntime(tree, gemfile ?? "", lock ?? "");
  const processes = await processesOf(tree, await webCommand(tree, gems, rails, gemfile !== null), {
    tried: "no Rails app, no config.ru, and none of server.rb, app.rb and main.rb",
    example: "bundle exec puma -b tcp://0.0.0.0:$PORT",
  });
  const env = rubyEnvironment(rails, gemfile !== null, lock !== null);
  const common = {
    buildpack: "ruby",
    warnings:
      gemfile !== null && lock === null
        ? ["There is no Gemfile.lock: versions are chosen anew at every build. Commit one."]
        : [],
    runtime,
    files: {},
    leavesOut: ["vendor/bundle", ".bundle", "**/node_modules"],
    processes,
  } as const;
  if (gemfile === null) {
    const stages = [stage("app", runtime, [copyTree()], { env })];
    return { ...common, why: "Ruby files without a Gemfile", stages };
  }
  // A Gemfile may read other files, for versions or for gems in folders of the tree.
  const reads = /\b(path:|:path|gemspec|eval_gemfile|File\.|\bfile:)/.test(gemfile);
  const cached = (await tree.list("vendor/cache")).some((name) => name.endsWith(".gem"));
  const whole = reads || cached;
  const files = whole ? ["."] : ["Gemfile", ...(lock === null ? [] : ["Gemfile.lock"])];
  const assets = rails && (gems.includes("sprockets-rails") || gems.includes("propshaft"));
  const scripts = assets && (await tree.has("package.json"));
  const packages = scripts ? ["nodejs", "npm"] : [];
  const built = stage(
    "build",
    sameVersion(runtime, "ruby-build"),
    [
      copy(files),
      run("bundle install && mkdir -p vendor/bundle", [GEMS]),
      ...(assets ? precompile(await scriptInstall(tree, scripts)) : []),
    ],
    { env, packages },
  );
  const last: Step[] =
    assets || whole
      ? [takeTree("build")]
      : [{ take: `${HOME}/vendor/bundle`, from: "build", to: "./vendor/bundle" }, copyTree()];
  const why = lock === null ? "Gemfile without a lockfile" : "Gemfile with Gemfile.lock";
  return { ...common, why, stages: [built, stage("app", runtime, last, { env })] };
}

/** Assets are made without the app's secrets. */
function precompile(install: Step[]): Step[] {
  const command = "bundle exec rake assets:precompile && rm -rf node_modules tmp/cache";
  return [copy(["."]), ...install, run(command, [], { SECRET_KEY_BASE_DUMMY: "1" })];
}

async function scriptInstall(tree: Tree, scripts: boolean): Promise<Step[]> {
  if (!scripts) return [];
  const yarn = await tree.has("yarn.lock");
  const npm = (await tree.has("package-lock.json")) ? "npm ci" : "npm install";
  const cache = { name: "npm", target: "/root/.npm" };
  return [
    run(yarn ? "npm install --global yarn@1 && yarn install --frozen-lockfile" : npm, [cache]),
  ];
}

function rubyEnvironment(
  rails: boolean,
  bundled: boolean,
  locked: boolean,
): Record<string, string> {
  return {
    LANG: "C.UTF-8",
    RACK_ENV: "production",
    ...(bundled && {
      BUNDLE_PATH: `${HOME}/vendor/bundle`,
      BUNDLE_APP_CONFIG: `${HOME}/.bundle`,
      BUNDLE_WITHOUT: "development:test",
      ...(locked && { BUNDLE_FROZEN: "true" }),
    }),
    ...(rails && {
      RAILS_ENV: "production",
      RAILS_LOG_TO_STDOUT: "1",
      RAILS_SERVE_STATIC_FILES: "1",
    }),
  };
}

async function webCommand(
  tree: Tree,
  gems: string[],
  rails: boolean,
  bundled: boolean,
): Promise<string | null> {
  const bundle = bundled ? "bundle exec " : "";
  const rack = await tree.has("config.ru");
  if (rack && gems.includes("puma"))
    return (await tree.has("config/puma.rb"))
      ? "bundle exec puma -C config/puma.rb"
      : "bundle exec puma -b tcp://0.0.0.0:$PORT";
  if (rails) return "bundle exec rails server -b 0.0.0.0 -p $PORT";
  if (rack) return `${bundle}rackup --host 0.0.0.0 --port $PORT`;
  const names = await tree.names();
  const file = MAIN_FILES.find((name) => names.includes(name));
  return file ? `${bundle}ruby ${file}` : null;
}

function gemsOf(gemfile: string, lock: string): string[] {
  const locked = [...lock.matchAll(/^ {4}([\w.-]+) \(/gm)].map((match) => match[1] ?? "");
  const asked = [...gemfile.matchAll(/^[ \t]*gem[ \t]+["']([\w.-]+)["']/gm)].map(
    (match) => match[1] ?? "",
  );
  return [...new Set([...asked, ...locked])];
}

async function rubyRuntime(tree: Tree, gemfile: string, lock: string): Promise<Runtime> {
  const files = await wishFromFiles(tree, { files: [".ruby-version"], tools: ["ruby"] });
  const asked = /^[ \t]*ruby[ \t]+((?:["'][^"'\n]+["']\s*(?:,\s*)?)+)/m.exec(gemfile)?.[1];
  const text = [...(asked ?? "").matchAll(/["']([^"']+)["']/g)].map((match) => match[1]).join(", ");
  const locked = /^RUBY VERSION\s+ruby (\d+\.\d+\.\d+)/m.exec(lock)?.[1];
  const fromGemfile = text === "" ? null : wish(text, "Gemfile");
  return runtimeOf("ruby", files, fromGemfile, locked ? wish(locked, "Gemfile.lock") : null);
}

function wish(text: string, from: string): Wish {
  return { text, range: conditionRange(text), from };
}
