import { PlanError } from "./errors.ts";
import type { Detector, Runtime, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { conditionRange } from "./ranges.ts";
import { copy, HOME, run, stage } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles } from "./versions.ts";

const HEX = { name: "hex", target: "/root/.hex/packages" };

/** Apps with a mix.exs, made into a release. */
export const elixir: Detector = {
  name: "elixir",
  looksFor: "a mix.exs",
  plan: async (tree) => {
    const text = await tree.read("mix.exs");
    return text === null ? null : planElixir(tree, text);
  },
};

async function planElixir(tree: Tree, mix: string): Promise<SourcePlan> {
  const runtime = await elixirRuntime(tree, mix);
  const name = /\bapp:\s*:(\w+)/.exec(mix)?.[1];
  if (name === undefined)
    throw new PlanError("not-buildable", {
      expected: "A line 'app: :NAME' in mix.exs",
      came: /\bapps_path:/.test(mix) ? "an umbrella project" : "none",
      todo: "Name the app in mix.exs, or push the folder of the app that serves.",
    });
  const named = /\breleases:\s*\[\s*(\w+):/.exec(mix)?.[1];
  const release = named ?? name;
  const phoenix = /\{:phoenix,/.test(mix);
  const needed = [...mix.matchAll(/\{:\w+\s*,([^{}]*)\}/g)].map(([, rest = ""]) => rest);
  const isLocal = (rest: string): boolean => /\bpath:/.test(rest);
  const fetches = needed.some((rest) => !isLocal(rest));
  const locked = await tree.has("mix.lock");
  const manifest = needed.some(isLocal) ? ["."] : ["mix.exs", ...(locked ? ["mix.lock"] : [])];
  const start = `_build/prod/rel/${release}/bin/${release} start`;
  const processes = await processesOf(tree, phoenix ? `PHX_SERVER=true ${start}` : start, {
    tried: "no release",
    example: start,
  });
  const assets = /["']?assets\.deploy["']?\s*:/.test(mix) ? [run("mix assets.deploy")] : [];
  const dependencies = fetches
    ? [
        run("mix local.hex --force && mix local.rebar --force", [HEX]),
        copy(manifest),
        run("mix deps.get --only prod && mix deps.compile", [HEX]),
      ]
    : [];
  const env = { LANG: "C.UTF-8", MIX_ENV: "prod" };
  const steps = [
    ...dependencies,
    ...(fetches && manifest.includes(".") ? [] : [copy(["."])]),
    ...assets,
    run(`mix do compile, release${named ? ` ${named}` : ""} --overwrite`),
  ];
  const folder = `_build/prod/rel/${release}`;
  return {
    buildpack: "elixir",
    why: locked ? "mix.exs with mix.lock" : "mix.exs",
    warnings:
      fetches && !locked
        ? ["There is no mix.lock: versions are chosen anew at every build. Commit one."]
        : [],
    runtime,
    stages: [
      stage("build", runtime, steps, { env }),
      // The release has its own Erlang, which wants the libraries that it was built with.
      stage(
        "app",
        runtime,
        [{ take: `${HOME}/${folder}`, from: "build", to: `./${folder}`, owned: true }],
        { env: { ...env, RELEASE_DISTRIBUTION: "none" } },
      ),
    ],
    files: {},
    leavesOut: ["_build", "deps", "**/node_modules"],
    processes,
  };
}

async function elixirRuntime(tree: Tree, mix: string): Promise<Runtime> {
  const files = await wishFromFiles(tree, { files: [".elixir-version"], tools: ["elixir"] });
  const asked = /\belixir:\s*"([^"]+)"/.exec(mix)?.[1];
  const buildpack = /^[ \t]*elixir_version=([\d.]+)/m.exec(
    (await tree.read("elixir_buildpack.config")) ?? "",
  )?.[1];
  const wish = (text: string | undefined, from: string) =>
    text === undefined ? null : { text, range: conditionRange(text), from };
  return runtimeOf(
    "elixir",
    files,
    wish(buildpack, "elixir_buildpack.config"),
    wish(asked, "mix.exs"),
  );
}
