import { mkdir } from "node:fs/promises";
import semver from "semver";
import type { Settings } from "../apps/config.ts";
import { TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import type { Runtime } from "../buildpacks/plan.ts";
import { isNode, labelOf } from "../buildpacks/runtimes.ts";
import { acceptedAuthorities, bootstrapAuthority, readAuthority } from "./base-authority.ts";
import { fetchEnvironment } from "./build-env.ts";
import { withMachineLock } from "./base-lock.ts";
import { ensureDebian, DEBIAN_TAG } from "./base-debian.ts";
import { bootstrapDeno } from "./base-deno.ts";
import { bootstrapNode, runNode, runTag } from "./base-node.ts";
import { chooseVersion, listVersions, noSuchVersion } from "./base-node-versions.ts";
import { bootstrapRuntime, fits, isPackaged, pullRuntime } from "./base-packages.ts";
import { pullNode } from "./base-registry.ts";
import type { Images } from "./engine/images.ts";
import { engineWords } from "./engine/streams.ts";

/** Our images, shared by all platforms of the machine. No app's image can have such a name: those have one slash. */
const OURS = "teal/base";
const TAG = /^teal\/base\/[a-z-]+:(\d+(?:\.\d+)*)(?:-(ca[0-9a-f]{8}))?$/;

export interface BaseImage {
  /** A tag that is on this machine. */
  image: string;
  /** The runtime's version. */
  version: string;
  /** It carries a further authority, at /etc/ssl/certs/ca-certificates.crt. */
  ca: boolean;
}

export interface Bases {
  /**
   * An image with the runtime: one that is here, else one made from the official image, else one
   * bootstrapped from Debian's packages (and npm's, for Node and Deno). Keeps `teal/base/node:MAJOR` on the newest one made.
   * @throws TealError build-failed, no-engine; the signal's reason
   */
  ensureBase(
    runtime: Runtime,
    say: (text: string) => void,
    signal: AbortSignal,
  ): Promise<BaseImage>;
  /** Makes an image that a FROM line names, if it is one of ours (`teal/base/node:24`, `teal/base/debian:bookworm`). */
  ensureNamed(image: string, say: (text: string) => void, signal: AbortSignal): Promise<void>;
}

export interface BasesOptions {
  images: Images;
  settings: Pick<Settings, "base" | "registry" | "caFile"> & {
    paths: Pick<Settings["paths"], "work">;
  };
  log: Log;
  env?: NodeJS.ProcessEnv;
}

/** All that the ways of making a base need. */
export interface BaseWork {
  images: Images;
  /** Folder for scratch. */
  work: string;
  env: Record<string, string>;
  say(text: string): void;
  signal: AbortSignal;
}

/** Base images of this machine. One is made at a time, however many processes ask. */
export function createBases({ images, settings, log, env = process.env }: BasesOptions): Bases {
  /** Why the registry gave nothing; where there is another way, it is asked once per process. */
  let registryFailure: string | null = null;

  const workFor = (say: (text: string) => void, signal: AbortSignal): BaseWork => {
    const childEnv = fetchEnvironment(env, settings.caFile);
    return { images, work: settings.paths.work, env: childEnv, say, signal };
  };

  const locked = <T>(work: BaseWork, act: () => Promise<T>): Promise<T> =>
    withMachineLock(
      "base",
      work.signal,
      () => work.say("Waiting for a base image that another build makes"),
      act,
    );

  const findLocal = async ({ name, range }: Runtime): Promise<BaseImage | null> => {
    const wanted = await acceptedAuthorities(settings);
    const here = (await images.tagsOf(`${OURS}/${name}`)).flatMap((image): BaseImage[] => {
      const [, version, ca = ""] = TAG.exec(image) ?? [];
      return version && wanted.includes(ca) ? [{ image, version, ca: ca !== "" }] : [];
    });
    const versions = here.map((base) => base.version);
    const version = isNode(name)
      ? chooseVersion(versions.filter(isWhole), range)
      : newestFitting(versions, range);
    return here.find((base) => base.version === version) ?? null;
  };

  const pull = async (runtime: Runtime, work: BaseWork): Promise<BaseImage> => {
    const authority = await readAuthority(settings.caFile);
    if (isPackaged(runtime)) return pullRuntime(runtime, settings.registry, authority, work);
    const full = await pullNode(runtime.range, settings.registry, authority, work);
    if (runtime.name === "node") return full;
    // An official image is taken as it is: taking files away would not make its layers smaller.
    const image = runTag(full.image);
    await images.tag(full.image, image);
    return { ...full, image };
  };

  const fromRegistry = async (runtime: Runtime, work: BaseWork): Promise<BaseImage | null> => {
    if (settings.base === "bootstrap") return null;
    if (settings.base === "auto" && registryFailure !== null) return null;
    try {
      return await pull(runtime, work);
    } catch (error) {
      work.signal.throwIfAborted();
      const reason = engineWords((error as Error).message);
      log.debug({ reason }, "no base image from the registry");
      if (settings.base === "registry") throw noneInRegistry(runtime, reason, error);
      // A registry that answers may have another image.
      if (!/not found|unknown|denied/i.test(reason)) registryFailure = reason;
      work.say(`No base image from the registry (${reason}): making one from Debian's packages`);
      return null;
    }
  };

  const bootstrap = async (runtime: Runtime, work: BaseWork): Promise<BaseImage> => {
    const authority = await bootstrapAuthority(settings);
    if (runtime.name === "deno") return bootstrapDeno(runtime, authority, work);
    if (isPackaged(runtime)) return bootstrapRuntime(runtime, authority, work, registryFailure);
    if (runtime.name === "node-run") {
      const building = { ...runtime, name: "node" } as const;
      const full = (await findLocal(building)) ?? (await bootstrap(building, work));
      return runNode(full, authority, work);
    }
    const versions = await listVersions(work);
    const version = chooseVersion(versions, runtime.range);
    if (version === null) throw noSuchVersion(runtime, versions);
    return bootstrapNode(version, authority, work);
  };

  const ensureBase: Bases["ensureBase"] = async (runtime, say, signal) => {
    const here = await findLocal(runtime);
    if (here) return here;
    const work = workFor(say, signal);
    return locked(work, async () => {
      await mkdir(work.work, { recursive: true });
      const meanwhile = await findLocal(runtime);
      if (meanwhile) return meanwhile;
      const made = (await fromRegistry(runtime, work)) ?? (await bootstrap(runtime, work));
      if (runtime.name === "node")
        await images.tag(made.image, `${OURS}/node:${made.version.split(".")[0]}`);
      return made;
    });
  };

  return {
    ensureBase,
    ensureNamed: async (image, say, signal) => {
      const major = /^teal\/base\/node:(\d+)$/.exec(image)?.[1];
      if ((major === undefined && image !== DEBIAN_TAG) || (await images.inspect(image))) return;
      const work = workFor(say, signal);
      if (major !== undefined) {
        const base = await ensureBase(
          { name: "node", range: `${major}.x`, from: "FROM" },
          say,
          signal,
        );
        await images.tag(base.image, image);
      } else await locked(work, async () => ensureDebian(await bootstrapAuthority(settings), work));
    },
  };
}

/** A whole version, and not the tag of a line. */
function isWhole(version: string): boolean {
  return semver.valid(version) !== null;
}

function newestFitting(versions: string[], range: string): string | null {
  const fitting = versions.filter((version) => fits(version, range));
  return (
    fitting.toSorted((a, b) => semver.rcompare(semver.coerce(a)!, semver.coerce(b)!))[0] ?? null
  );
}

function noneInRegistry({ name, range }: Runtime, reason: string, cause: unknown): TealError {
  const detail = `an image for ${labelOf(name)} ${range} was expected from the registry, and none came: ${reason}`;
  return new TealError("build-failed", { detail }, { cause });
}
