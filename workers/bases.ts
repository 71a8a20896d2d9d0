import { mkdir } from "node:fs/promises";
import type { Settings } from "../apps/config.ts";
import { TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import type { Runtime } from "../buildpacks/plan.ts";
import { readAuthority, type Authority } from "./base-authority.ts";
import { fetchEnvironment } from "./build-env.ts";
import { withMachineLock } from "./base-lock.ts";
import { ensureDebian, DEBIAN_TAG } from "./base-debian.ts";
import { bootstrapNode } from "./base-node.ts";
import { chooseVersion, listVersions, noSuchVersion } from "./base-node-versions.ts";
import { pullNode } from "./base-registry.ts";
import type { Images } from "./engine/images.ts";

/** Our Node images, shared by all platforms of the machine. No app's image can have such a name: those have one slash. */
const NODE = "teal/base/node";
const NODE_TAG = /^teal\/base\/node:(\d+\.\d+\.\d+)(?:-(ca[0-9a-f]{8}))?$/;

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
   * bootstrapped from Debian's packages and npm's. Keeps `teal/base/node:MAJOR` on the newest one made.
   * @throws TealError build-failed, no-engine; the signal's reason
   */
  ensureBase(
    runtime: Pick<Runtime, "name" | "range" | "from">,
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

  const findLocal = async (range: string): Promise<BaseImage | null> => {
    const wanted = await acceptedAuthorities(settings);
    const here = (await images.tagsOf(NODE)).flatMap((image): BaseImage[] => {
      const [, version, ca = ""] = NODE_TAG.exec(image) ?? [];
      return version && wanted.includes(ca) ? [{ image, version, ca: ca !== "" }] : [];
    });
    const version = chooseVersion(
      here.map((base) => base.version),
      range,
    );
    return here.find((base) => base.version === version) ?? null;
  };

  const fromRegistry = async (range: string, work: BaseWork): Promise<BaseImage | null> => {
    if (settings.base === "bootstrap") return null;
    if (settings.base === "auto" && registryFailure !== null) return null;
    try {
      return await pullNode(range, settings.registry, await readAuthority(settings.caFile), work);
    } catch (error) {
      work.signal.throwIfAborted();
      registryFailure = (error as Error).message
        .replace(/^\(HTTP code \d+\) [a-z ]+ - /, "")
        .trim();
      log.debug({ reason: registryFailure }, "no base image from the registry");
      if (settings.base === "registry") throw noneInRegistry(range, registryFailure, error);
      work.say(
        `No base image from the registry (${registryFailure}): making one from Debian's packages`,
      );
      return null;
    }
  };

  const make = async (
    runtime: Pick<Runtime, "range" | "from">,
    work: BaseWork,
  ): Promise<BaseImage> => {
    const { range } = runtime;
    const pulled = await fromRegistry(range, work);
    if (pulled) return pulled;
    const versions = await listVersions(work);
    const version = chooseVersion(versions, range);
    if (version === null) throw noSuchVersion(runtime, versions);
    return bootstrapNode(version, await bootstrapAuthority(settings), work);
  };

  const ensureBase: Bases["ensureBase"] = async (runtime, say, signal) => {
    const here = await findLocal(runtime.range);
    if (here) return here;
    const work = workFor(say, signal);
    return locked(work, async () => {
      await mkdir(work.work, { recursive: true });
      const meanwhile = await findLocal(runtime.range);
      if (meanwhile) return meanwhile;
      const made = await make(runtime, work);
      await images.tag(made.image, `${NODE}:${made.version.split(".")[0]}`);
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

function noneInRegistry(range: string, reason: string, cause: unknown): TealError {
  const detail = `an image for Node ${range} was expected from the registry, and none came: ${reason}`;
  return new TealError("build-failed", { detail }, { cause });
}

type CaSettings = Pick<Settings, "base" | "caFile">;

/** A bootstrapped image trusts what the machine trusts, unless the platform was given a file. */
function bootstrapAuthority(settings: CaSettings): Promise<Authority | null> {
  return readAuthority(settings.caFile ?? "/etc/ssl/certs/ca-certificates.crt", {
    optional: settings.caFile === null,
  });
}

/** The tag endings of images that trust what is asked for; "" is an image as it came. */
async function acceptedAuthorities(settings: CaSettings): Promise<string[]> {
  const bootstrapped = (await bootstrapAuthority(settings))?.name ?? "";
  const asItCame = settings.caFile === null && settings.base !== "bootstrap" ? [""] : [];
  return settings.base === "registry" && settings.caFile === null
    ? [""]
    : [bootstrapped, ...asItCame];
}
