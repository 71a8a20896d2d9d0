import type Docker from "dockerode";
import { totalmem } from "node:os";
import { defaultMemory, graceOf, PIDS } from "../../apps/runtime.ts";
import { shellArguments } from "../../buildpacks/command.ts";
import type { App, Colour, Instance, Release } from "../../apps/types.ts";
import { isHostPath, isMountedIn, type Mount } from "../../apps/mounts.ts";
import { labelsOf, type OwnLabels } from "./labels.ts";
import { addressIn, type AppNetwork } from "./network.ts";
import { volumeName } from "./volumes.ts";

const MIB = 1024 * 1024;

/** What most images need to drop to a user of their own and to own their files; nothing more. */
const CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "SETGID",
  "SETUID",
  "KILL",
  "NET_BIND_SERVICE",
];

interface Common {
  namespace: string;
  app: App;
  release: Release;
  network: AppNetwork;
  /** Opened values of the release's config. */
  config: Record<string, string>;
}

/** What the platform says comes last: no config can hide it. */
function environment(
  { app, release, config }: Common,
  process: string,
  colour: Colour | null,
): string[] {
  const env: Record<string, string> = {
    ...config,
    PORT: String(release.port),
    TEAL_APP: app.name,
    TEAL_RELEASE: `v${release.n}`,
    TEAL_COMMIT: release.commit,
    TEAL_PROCESS: process,
    ...(colour ? { TEAL_COLOUR: colour } : {}),
  };
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/**
 * The one place where a container's host settings are made: an allow-list, nothing of it taken
 * from an app's files. The command runs in a shell inside the container, never outside.
 */
function common(
  { namespace, app, release, network }: Common,
  process: string,
  labels: OwnLabels,
): Docker.ContainerCreateOptions {
  const { memory, cpus, pids, readOnly } = release.runtime?.[process] ?? {};
  const bytes = (memory ?? defaultMemory(totalmem() / MIB)) * MIB;
  return {
    Image: release.image,
    Labels: labelsOf({
      "teal.platform": namespace,
      "teal.app": app.name,
      "teal.app-id": app.id,
      "teal.release": `v${release.n}`,
      "teal.process": process,
      "teal.deploy": release.deploy,
      ...labels,
    }),
    StopTimeout: graceOf(release.runtime?.[process]),
    HostConfig: {
      NetworkMode: network.name,
      Init: true,
      CapDrop: ["ALL"],
      CapAdd: CAPABILITIES,
      SecurityOpt: ["no-new-privileges"],
      PidsLimit: pids ?? PIDS,
      Memory: bytes,
      // No more with swap than without.
      MemorySwap: bytes,
      ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
      ...(readOnly ? { ReadonlyRootfs: true, Tmpfs: { "/tmp": "rw,mode=1777" } } : {}),
      ...(release.mounts && {
        Mounts: release.mounts
          .filter((mount) => isMountedIn(mount, process))
          .map((mount) => mountSpec(namespace, mount, app.name)),
      }),
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
    },
  };
}

function mountSpec(namespace: string, mount: Mount, app: string): Docker.MountConfig[number] {
  const { source, target: Target } = mount;
  if (isHostPath(mount)) return { Type: "bind", Source: source, Target };
  return { Type: "volume", Source: volumeName(namespace, app, source), Target };
}

/** An empty command leaves the image's own entry point and command as they are; words need no shell. */
function command(told: string | string[]): Docker.ContainerCreateOptions {
  if (told === "") return {};
  return { Entrypoint: [], Cmd: typeof told === "string" ? shellArguments(told) : told };
}

/** Container of an instance, with its fixed address. It is not restarted until it has been healthy once. */
export function containerSpec(
  options: Common & { instance: Instance },
): Docker.ContainerCreateOptions {
  const { release, instance, network } = options;
  return {
    ...common(options, instance.process, {
      "teal.instance": instance.id,
      "teal.colour": instance.colour,
      "teal.deploy": instance.deploy,
    }),
    ...command(release.processes[instance.process] ?? ""),
    name: instance.id,
    Env: environment(options, instance.process, instance.colour),
    NetworkingConfig: {
      EndpointsConfig: {
        [network.name]: { IPAMConfig: { IPv4Address: addressIn(network, instance.slot) } },
      },
    },
  };
}

/** A one-off command that somebody asked for. */
export interface RunLabels {
  id: string;
  /** The process that somebody is attached by (workers/process-id.ts); null: nobody is. */
  by: string | null;
  /** When it is over, whatever it does: ms since the epoch. */
  until: number;
  /** Whoever started it also removes it, once it has seen how it ended. */
  kept?: boolean;
}

/** Container of a command that somebody asked for. Nothing of it is restarted. */
export function runSpec(
  options: Common & {
    name: string;
    command: string | string[];
    run: RunLabels;
    term: string | null;
  },
): Docker.ContainerCreateOptions {
  const { name, run, term } = options;
  const env = environment(options, "run", null);
  return {
    ...common(options, "run", {
      "teal.instance": name,
      "teal.index": run.id,
      "teal.run-until": String(run.until),
      ...(run.by === null ? {} : { "teal.run-by": run.by }),
      ...(run.kept ? { "teal.run-kept": "1" } : {}),
    }),
    ...command(options.command),
    name,
    Env: term === null ? env : [...env, `TERM=${term}`],
  };
}

/** Container of a one-off command, such as the release command. Its address is the engine's choice. */
export function oneOffSpec(
  options: Common & { name: string; command: string },
): Docker.ContainerCreateOptions {
  const { release, name } = options;
  return {
    ...common(options, "release", { "teal.instance": name, "teal.one-off": release.deploy }),
    ...command(options.command),
    name,
    Env: environment(options, "release", null),
  };
}
