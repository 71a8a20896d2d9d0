import { basename } from "node:path";
import type { BuildOptions } from "../apps/build-options.ts";
import { readSettings } from "../apps/config.ts";
import { isTealError, TealError } from "../apps/errors.ts";
import { createGit } from "../apps/git.ts";
import { createLog } from "../apps/log.ts";
import { createOutward } from "../apps/outward.ts";
import { createTreeFetcher } from "../apps/tree-fetcher.ts";
import { createBases } from "./bases.ts";
import { createBuilder } from "./build.ts";
import { createBuildLimits } from "./engine/build-limits.ts";
import { createDocker } from "./engine/client.ts";
import { createImages } from "./engine/images.ts";

interface Wish {
  dir: string;
  options: BuildOptions;
  fresh: boolean;
  verbose: boolean;
  tag?: string;
}

const NO_COMMIT = "0".repeat(40);
const print = (value: object): void => console.log(JSON.stringify(value));

/** Builds one folder and says so in JSON lines; for `teal build DIR`. */
async function main(wish: Wish): Promise<void> {
  const settings = readSettings();
  const log = createLog("build-here");
  const docker = createDocker();
  const bounds = { memory: settings.buildMemory, cpus: settings.buildCpus };
  const limits = createBuildLimits(docker, bounds, log);
  const images = createImages(docker, { namespace: settings.namespace, log, limits });
  const bases = createBases({ images, settings, log });
  const { paths, allowPrivate } = settings;
  const fetcher = createTreeFetcher({
    git: createGit({ reposDir: paths.repos }),
    outward: createOutward({ allowPrivate }),
    ...{ workDir: paths.work, knownHosts: paths.knownHosts, caFile: settings.caFile },
  });
  const builder = createBuilder({ images, bases, fetcher, settings });
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  process.once("SIGTERM", () => stop.abort(new Error("stopped")));
  const name = basename(wish.dir)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  const tag = wish.tag ?? `teal-build/${name || "app"}:latest`;
  const built = await builder.build({
    app: "build",
    commit: NO_COMMIT,
    dir: wish.dir,
    tag,
    options: wish.options,
    env: {},
    envMark: "",
    fresh: wish.fresh,
    verbose: wish.verbose,
    signal: stop.signal,
    say: (kind, text) => print({ kind, text }),
  });
  print({ ...built, tag });
}

main(JSON.parse(process.argv[2] ?? "{}") as Wish).catch((error: Error) => {
  const known = isTealError(error) ? error : new TealError("internal", { detail: error.message });
  print({ error: { code: known.code, says: known.says, todo: known.todo } });
  process.exitCode = 1;
});
