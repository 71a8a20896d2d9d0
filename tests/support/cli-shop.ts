import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goLive, pushOf, startApi } from "./api.ts";
import { runCli } from "./run-cli.ts";

interface How {
  input?: string;
  env?: NodeJS.ProcessEnv;
  app?: string;
}

/** An API with the app `shop`, which is live, and the command line as its admin has it, in a folder of its own. */
export async function startCliShop() {
  const api = await startApi();
  const dir = mkdtempSync(join(tmpdir(), "teal-cli-"));
  await api.store.createApp("shop", "ann");
  await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
  return {
    api,
    dir,
    teal(args: string[], { input = "", env = {}, app = "shop" }: How = {}) {
      const own = { ...env, HOME: dir, TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin };
      return runCli([...args, "-a", app], { env: own, cwd: dir, input });
    },
    async stop() {
      await api.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
