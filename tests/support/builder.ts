import { cp, mkdtemp, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import type { LogKind } from "../../apps/deploy-log.ts";
import { createLog } from "../../apps/log.ts";
import type { Registries } from "../../apps/registries.ts";
import { createBases } from "../../workers/bases.ts";
import { createGit } from "../../apps/git.ts";
import { createOutward } from "../../apps/outward.ts";
import { createTreeFetcher } from "../../apps/tree-fetcher.ts";
import { createBuilder, type BuildJob } from "../../workers/build.ts";
import type { BuildBounds } from "../../workers/engine/build-groups.ts";
import { createBuildLimits } from "../../workers/engine/build-limits.ts";
import { createDocker } from "../../workers/engine/client.ts";
import { createImages } from "../../workers/engine/images.ts";
import type { Built } from "../../workers/ports.ts";
import { createPrivateImages } from "../../workers/private-images.ts";
import { FIXTURES } from "./tree.ts";

interface BuilderWish {
  /** Another engine than the machine's. */
  engine?: Docker;
  bounds?: BuildBounds;
  /** Trusted when buildpacks are fetched; private addresses are connected to then. */
  caFile?: string;
  /** Logins that builds pull with. */
  registries?: Pick<Registries, "open">;
}

/** A builder with a namespace of its own; `close` removes what it made, but for the shared base images. */
export async function startBuilder({ bounds, registries, caFile, engine }: BuilderWish = {}) {
  const namespace = `teal-test-${randomBytes(4).toString("hex")}`;
  const home = await mkdtemp(join(tmpdir(), `${namespace}-`));
  const docker = engine ?? createDocker();
  const log = createLog(namespace);
  const images = createImages(docker, {
    namespace,
    log,
    ...(bounds && { limits: createBuildLimits(docker, bounds, log) }),
  });
  const paths = { work: join(home, "work") };
  const bases = createBases({
    images,
    settings: { base: "bootstrap", registry: null, caFile: null, paths },
    log,
  });
  const builder = createBuilder({
    images,
    bases,
    fetcher: createTreeFetcher({
      git: createGit({ reposDir: join(home, "repos") }),
      outward: createOutward({ allowPrivate: caFile !== undefined }),
      ...{ workDir: paths.work, knownHosts: join(home, "known-hosts"), caFile: caFile ?? null },
    }),
    ...(registries && { bring: createPrivateImages({ images, registries }) }),
    settings: { namespace, paths, buildTimeoutMs: 600_000 },
  });
  const tags = new Set<string>();
  const never = new AbortController().signal;

  return {
    namespace,
    docker,
    images,
    bases,
    /** A copy of a fixture app that a test may change. */
    copyOf: async (fixture: string): Promise<string> => {
      const dir = await mkdtemp(join(home, "app-"));
      await cp(join(FIXTURES, fixture), dir, { recursive: true, preserveTimestamps: true });
      return dir;
    },
    build: async (
      dir: string,
      job: Partial<BuildJob> = {},
    ): Promise<Built & { lines: string[] }> => {
      const lines: string[] = [];
      const tag = `${namespace}/app:${tags.size + 1}`;
      tags.add(tag);
      const say = (kind: LogKind, text: string): void => void lines.push(`${kind}: ${text}`);
      const common = {
        app: "app",
        options: {},
        env: {},
        envMark: "0".repeat(16),
        fresh: false,
        commit: "0".repeat(40),
        tag,
        signal: never,
        say,
      };
      return { ...(await builder.build({ ...common, dir, ...job })), lines };
    },
    /** Runs a process type of a built image; its first container port is on loopback. */
    run: (built: Built, command: string[] | null, env: string[] = []) =>
      runContainer(docker, namespace, built, command, env),
    close: async (): Promise<void> => {
      const filters = { label: [`teal.platform=${namespace}`] };
      for (const { Id } of await docker.listContainers({ all: true, filters })) {
        await docker.getContainer(Id).remove({ force: true });
      }
      for (const tag of tags) await images.remove(tag);
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function runContainer(
  docker: Docker,
  namespace: string,
  built: Built,
  command: string[] | null,
  env: string[],
) {
  const port = `${built.port}/tcp`;
  const container = await docker.createContainer({
    Image: built.image,
    ...(command ? { Cmd: command } : {}),
    Env: [`PORT=${built.port}`, ...env],
    Labels: { "teal.platform": namespace },
    ExposedPorts: { [port]: {} },
    HostConfig: { PortBindings: { [port]: [{ HostIp: "127.0.0.1", HostPort: "" }] } },
  });
  await container.start();
  const found = await container.inspect();
  const host = found.NetworkSettings.Ports[port]?.[0]?.HostPort;
  return { container, url: `http://127.0.0.1:${host}` };
}

/** The first answer of a server that is about to listen. @throws after 20 s */
export async function firstAnswer(url: string): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url, { signal: AbortSignal.timeout(5000) });
    } catch (error) {
      if (tries >= 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
