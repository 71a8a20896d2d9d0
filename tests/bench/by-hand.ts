import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { detect } from "../../buildpacks/detect.ts";
import { renderDockerfile } from "../../buildpacks/render.ts";
import type { Platform } from "../support/platform.ts";

const run = promisify(execFile);
const FIXTURE = resolve(import.meta.dirname, "../fixtures/apps/hello-koa");
/** Debian's client carries BuildKit; another in PATH may lack it. */
const DOCKER = "/usr/bin/docker";
const PORT = 5000;

/**
 * What a person does without Teal, on the same Dockerfile and with the same cache: `docker build`,
 * `docker run`, ask until it answers 200. `deploy` gives the milliseconds.
 */
export async function deployByHand(platform: Platform) {
  const dir = mkdtempSync(join(tmpdir(), "teal-by-hand-"));
  const name = `${platform.namespace}-by-hand`;
  const image = `${platform.namespace}/by-hand`;
  cpSync(FIXTURE, join(dir, "app"), { recursive: true });
  const plan = await detect(join(dir, "app"));
  if (plan.buildpack === "dockerfile") throw new Error("a source plan was expected");
  const base = { image: () => "teal/base/node:24", ca: () => true, caches: "by-hand" };
  writeFileSync(join(dir, "Dockerfile"), renderDockerfile(plan, base));
  const env = { ...process.env, DOCKER_BUILDKIT: "1" };
  const docker = (...args: string[]) => run(DOCKER, args, { env });
  const command = plan.processes["web"] ?? "";

  return {
    async deploy(version: string): Promise<number> {
      writeFileSync(join(dir, "app", "version.txt"), `${version}\n`);
      await docker("rm", "-f", name).catch(() => {});
      const began = performance.now();
      await docker("build", "-q", "-t", image, dir);
      const variables = ["-e", `PORT=${PORT}`];
      await docker(
        "run",
        "-d",
        "--init",
        "--name",
        name,
        ...variables,
        image,
        "/bin/sh",
        "-c",
        command,
      );
      const address = ["inspect", "-f", "{{.NetworkSettings.IPAddress}}", name];
      const host = (await docker(...address)).stdout.trim();
      while ((await statusOf(host)) !== 200) await new Promise((next) => setTimeout(next, 10));
      return performance.now() - began;
    },
    async remove(): Promise<void> {
      await docker("rm", "-f", name);
      await docker("rmi", "-f", image);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Status of GET / at the container's address; 0 when nothing answers. */
export function statusOf(host: string): Promise<number> {
  return new Promise((answered) => {
    request({ host, port: PORT, agent: false, timeout: 1000 }, (res) => {
      res.resume();
      answered(res.statusCode ?? 0);
    })
      .on("error", () => answered(0))
      .end();
  });
}
