import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { statusOf } from "./by-hand.ts";

const run = promisify(execFile);
const docker = async (...args: string[]) => (await run("docker", args)).stdout.trim();
const PORT = 5000;

/** What a person does without Teal, on an image that is there. Every method gives milliseconds. */
export async function createLifeByHand(namespace: string, image: string) {
  const name = (n: number) => `${namespace}-by-hand-${n}`;
  let made = 0;

  async function start(n: number): Promise<void> {
    const settings = ["--init", "-e", `PORT=${PORT}`, "-e", "RUN=hand", "--name", name(n)];
    await docker("run", "-d", ...settings, image, "node", "server.js");
    await answers(n);
  }

  async function answers(n: number): Promise<void> {
    const host = await docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name(n));
    while ((await statusOf(host)) !== 200) await new Promise((next) => setTimeout(next, 10));
  }

  async function removeAll(): Promise<void> {
    const names = Array.from({ length: made }, (_, n) => name(n + 1));
    if (names.length > 0) await docker("rm", "-f", ...names);
    made = 0;
  }

  return {
    /** Starts `count` at once; ends when all of them answer. */
    async run(count: number): Promise<number> {
      await removeAll();
      const began = performance.now();
      made = count;
      await Promise.all(Array.from({ length: count }, (_, n) => start(n + 1)));
      return performance.now() - began;
    },
    /** The old version was stopped and not removed: it is started again. */
    async stopAndStart(): Promise<number> {
      await docker("stop", name(1));
      const began = performance.now();
      await docker("start", name(1));
      await answers(1);
      return performance.now() - began;
    },
    remove: removeAll,
  };
}
