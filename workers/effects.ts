import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-fs";
import { withoutQuery } from "../apps/download.ts";
import { isTealError, TealError } from "../apps/errors.ts";
import type { Fetcher } from "../apps/fetcher.ts";
import type { Git } from "../apps/git.ts";
import type { Registries } from "../apps/registries.ts";
import { COMMAND_S } from "../apps/runtime.ts";
import type { Deploy } from "../apps/types.ts";
import { readAppJson } from "./app-json.ts";
import type { Builder } from "./build.ts";
import { placeOf } from "./build-place.ts";
import { keyOf } from "./build-wish.ts";
import { checkInstance, startChecks } from "./check.ts";
import type { Containers } from "./engine/containers.ts";
import type { Images } from "./engine/images.ts";
import type { createVolumes } from "./engine/volumes.ts";
import type { Networks } from "./engine/network.ts";
import { unfit } from "./identity.ts";
import { createImageSource } from "./image-source.ts";
import { imageTag } from "./names.ts";
import { lacksShell } from "./no-shell.ts";
import type { BuildWish, Effects, Work } from "./ports.ts";
import type { FoundContainer } from "./reconcile.ts";
import { createSlots } from "./slots.ts";
import { completeSource } from "./source-extras.ts";

interface Options {
  git: Pick<Git, "archive" | "gitlinks">;
  fetcher: Fetcher;
  builder: Builder;
  images: Pick<
    Images,
    "tag" | "exists" | "removeTags" | "inspect" | "pull" | "remove" | "awaitEngine"
  >;
  registries: Pick<Registries, "open">;
  containers: Containers;
  networks: Networks;
  namespace: string;
  workDir: string;
  buildConcurrency: number;
  deployTimeoutMs: number;
  hostOf(app: string): string;
  /** Address of the app's own repository. */
  repositoryOf(app: string): string;
  seal(app: string, name: string, value: string): string;
  /** Resolves when the output of a stopped container is kept, or need not be waited for. */
  collected(id: string): Promise<void>;
  removeLogs(app: string): Promise<void>;
  volumes: Pick<ReturnType<typeof createVolumes>, "removeAll">;
  /** @throws disk-full, memory-low when the machine has no room for a build */
  checkRoom(): Promise<void>;
  /** Config in clear; what is said of the app hides it from now on. */
  open(app: string, config: Record<string, string>): Record<string, string>;
}

const ENGINE_TRIES = 3;
/** Of a command, those that say that it did not even begin. */
const FIRST_LINES = 5;

/** The real effects: git, the image builder and Docker. */
export function createEffects(
  options: Options,
): Effects & { listContainers(): Promise<FoundContainer[]> } {
  const { containers, networks, images, namespace } = options;
  const builds = createSlots(options.buildConcurrency);

  return {
    async fetchSource(deploy, { say, signal }) {
      if (!deploy.sender) return deploy.commit ?? "";
      say("step", fetching(deploy));
      return options.fetcher.fetch(deploy, signal);
    },
    checkout: (deploy, wish, work) => checkout(options, deploy, wish, work),
    takeImage: createImageSource(options),
    async build(deploy, dir, wish, { say, signal }) {
      await options.checkRoom();
      const { root } = await placeOf(dir, wish.options);
      const appJson = await readAppJson(root, (text) => say("warn", text));
      const env = options.open(deploy.app, wish.env);
      if (builds.busy()) say("info", "Waiting for other builds to end");
      const job = {
        app: deploy.app,
        commit: deploy.commit ?? "",
        dir,
        options: wish.options,
        env,
        envMark: keyOf("", wish).slice(0, 16),
        fresh: wish.fresh,
        ...(deploy.verbose && { verbose: true }),
        source: deploy.repo ?? options.repositoryOf(deploy.app),
        tag: imageTag(namespace, deploy.app, deploy.id),
        signal,
        say,
      };
      const built = await builds.run(signal, () =>
        outlivingEngine(images, { say, signal }, () => options.builder.build(job)),
      );
      return { ...built, appJson };
    },
    seal: options.seal,
    tagImage: (app, deploy, image) => images.tag(image, imageTag(namespace, app, deploy)),
    imageExists: (image) => images.exists(image),
    async runCommand(app, release, { command, called }, { say, signal }) {
      const name = `${namespace}-${release.deploy}-release`;
      const lines: string[] = [];
      const onLine = (line: string) => {
        say("output", line);
        if (lines.length < FIRST_LINES) lines.push(line);
      };
      const seconds = release.runtime?.["release"]?.time ?? COMMAND_S;
      const limit = AbortSignal.timeout(seconds * 1000);
      const ends = { signal: AbortSignal.any([signal, limit]), onLine };
      const code = await containers.runOnce(name, app, release, command, ends);
      signal.throwIfAborted();
      if (limit.aborted) throw new TealError("release-command-late", { command: called, seconds });
      if (lacksShell(code, lines))
        throw new TealError("no-shell", { what: `The ${called} command` });
      if (code !== 0) throw new TealError("release-command-failed", { command: called, code });
    },
    createContainer: (app, instance, release) => containers.create(app, instance, release),
    startContainer: (app, instance, release, made) =>
      containers.start(app, instance, release, made),
    containerOf: (id) => containers.idOf(id),
    check: (app, instance, release, work) =>
      checkInstance(instance, work, {
        containers,
        hostHeader: options.hostOf(app.name),
        timeoutMs: options.deployTimeoutMs,
        checks: startChecks(release, instance.process),
      }),
    unfit: (instance) => unfit(containers, instance, options.hostOf(instance.app)),
    keepRunning: (instance) => containers.keepRunning(instance.id),
    stopContainer: (id, made = id) => containers.stop(made),
    async removeContainer(id, made = id) {
      await options.collected(id);
      await containers.remove(made);
    },
    async removeAppRemains(app, volumes) {
      if (volumes) await options.volumes.removeAll(app);
      await options.removeLogs(app);
      await networks.remove(app);
      await images.removeTags(`${namespace}/${app}`);
    },
    listContainers: () => containers.list(),
  };
}

function fetching({ commit, ref, repo, archive }: Deploy): string {
  if (archive) return `Fetching ${withoutQuery(archive)}`;
  return `Fetching ${commit ?? ref} from ${repo ?? "the app's own repository"}`;
}

async function checkout(options: Options, deploy: Deploy, wish: BuildWish, work: Work) {
  const { git, workDir } = options;
  await mkdir(workDir, { recursive: true });
  const dir = await mkdtemp(join(workDir, `${deploy.id}-`));
  const done = () => rm(dir, { recursive: true, force: true });
  try {
    const { stream, done: archived } = git.archive(deploy.app, deploy.commit ?? "");
    await Promise.all([pipeline(stream, extract(dir)), archived]);
    const submodules = wish.options.submodules === true;
    const { app, commit = "" } = deploy;
    await completeSource(options, { app, commit, dir, submodules }, work);
    return { dir, done };
  } catch (error) {
    await done();
    throw error;
  }
}

/** An engine that was restarted knows nothing of a build: once it answers, the build begins anew. */
async function outlivingEngine<T>(
  { awaitEngine }: Pick<Images, "awaitEngine">,
  { say, signal }: Work,
  act: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await act();
    } catch (error) {
      if (!isTealError(error, "no-engine") || tried === ENGINE_TRIES) throw error;
      say("warn", "The Docker engine does not answer: waiting for it, for a minute at most");
      await awaitEngine(signal);
    }
  }
}
