import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Platform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

const CLIENT = resolve(import.meta.dirname, "../support/load-client.ts");
const LOAD_CONNECTIONS = 8;

export interface SwapFigures {
  ms: number;
  holdMs: number;
  held: number;
  lost: number;
}

/** An app on the platform, and what its owner does with it, timed. */
export async function createShop(platform: Platform, app: string) {
  const repo = createRepo("hello-koa", platform, app);
  await repo.init();
  const agent = new Agent({ keepAlive: true });
  const hostHeader = `${app}.localhost`;

  function ask(): Promise<string> {
    return new Promise((done) => {
      const at = { host: "127.0.0.1", port: platform.routerPort, agent };
      request({ ...at, headers: { host: hostHeader } }, (res) => {
        let body = "";
        res.on("data", (chunk: Buffer) => (body += chunk.toString()));
        res.on("end", () => done(body));
      })
        .on("error", () => done(""))
        .end();
    });
  }

  /** Asks until the answer holds `what`; bounded. */
  async function answerWith(what: (body: string) => boolean, everyMs: number): Promise<number> {
    const end = performance.now() + 60_000;
    while (performance.now() < end) {
      if (what(await ask())) return performance.now();
      await sleep(everyMs);
    }
    throw new Error("no such answer within a minute");
  }

  async function askRollback(): Promise<string> {
    const answer = await platform.api("POST", `/apps/${app}/rollback`, {});
    if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
    return answer.body.deploy.id;
  }

  async function finished(id: string) {
    let deploy: { state: string; steps: { swapped?: SwapFigures } } | null = null;
    await until(30_000, async () => {
      deploy = (await platform.api("GET", `/deploys/${id}`)).body;
      return deploy?.state === "live";
    });
    return deploy as unknown as { steps: { swapped: SwapFigures } };
  }

  return {
    /** One line changed, committed before the clock starts; `git push` to the first answer of the new version. */
    async push(version: string): Promise<{ liveMs: number; exitMs: number }> {
      await writeFile(join(repo.dir, "version.txt"), `${version}\n`);
      await repo.commit(version);
      const began = performance.now();
      const live = answerWith((body) => body.includes(version), 15);
      const pushed = await repo.git("push", "deploy", "main");
      const exitMs = performance.now() - began;
      if (pushed.status !== 0) throw new Error(pushed.text);
      return { liveMs: (await live) - began, exitMs };
    },
    /** API call to the first answer of the version before. */
    async rollback(): Promise<number> {
      const now = await ask();
      const began = performance.now();
      const id = askRollback();
      const back = await answerWith((body) => body !== now && body !== "", 1);
      await finished(await id);
      return back - began;
    },
    /** Rolls back and forth while clients ask; what the routers told of each swap. */
    async swapsUnderLoad(count: number): Promise<SwapFigures[]> {
      const args = [CLIENT, String(platform.routerPort), hostHeader, String(LOAD_CONNECTIONS)];
      const file = join(platform.home, "bench-load.json");
      const load = spawn(process.execPath, [...args, "0", file], { stdio: "ignore" });
      await sleep(1000);
      const swaps: SwapFigures[] = [];
      for (let run = 0; run < count; run++) {
        const { steps } = await finished(await askRollback());
        swaps.push(steps.swapped);
        await sleep(200);
      }
      load.kill("SIGTERM");
      await once(load, "exit");
      repo.remove();
      agent.destroy();
      return swaps;
    },
  };
}
