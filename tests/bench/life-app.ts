import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { InstanceView } from "../../apps/views.ts";
import { ask } from "../support/asking.ts";
import { type Platform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

/** Says what it was told, by whom, and who it is. */
const SERVER = `
import { createServer } from "node:http";
import { hostname } from "node:os";
const { RUN = "none", TEAL_RELEASE, PORT } = process.env;
createServer((_, response) => response.end([RUN, TEAL_RELEASE, hostname()].join(" "))).listen(PORT);
process.on("SIGTERM", () => process.exit(0));
`;

interface Said {
  run: string;
  release: string;
  host: string;
}

/** An app on the platform whose owner changes it; every method gives the milliseconds from its call to the answer that shows the change. */
export async function createLifeApp(platform: Platform, app: string) {
  const repo = createRepo("hello-plain", platform, app);
  await repo.init();
  writeFileSync(join(repo.dir, "server.js"), SERVER);
  const pushed = await repo.push();
  if (pushed.status !== 0) throw new Error(pushed.text);

  async function said(): Promise<Said> {
    const [run = "", release = "", host = ""] = (
      await ask(platform.routerPort, `${app}.localhost`)
    ).split(" ");
    return { run, release, host };
  }

  async function untilSaid(what: (now: Said) => boolean): Promise<void> {
    const end = performance.now() + 60_000;
    while (!what(await said())) {
      if (performance.now() > end) throw new Error("no such answer within a minute");
      await sleep(1);
    }
  }

  /** Times `seen`, then waits until the deploy has ended. */
  async function timed(path: string, body: object, seen: () => Promise<void>): Promise<number> {
    const began = performance.now();
    const asked = platform.api("POST", `/apps/${app}/${path}`, body);
    await seen();
    const ms = performance.now() - began;
    const { status, body: answer } = await asked;
    if (status >= 300) throw new Error(JSON.stringify(answer));
    await until(60_000, async () => {
      const { body: deploy } = await platform.api("GET", `/deploys/${answer.deploy.id}`);
      return deploy.state === "live";
    });
    return ms;
  }

  /** All that is on record is live or stands by: nothing stops any more. */
  async function rests(): Promise<boolean> {
    const { instances } = (await platform.api("GET", `/apps/${app}/ps`)).body;
    return (instances as InstanceView[]).every(({ serves }) => serves !== null);
  }

  return {
    remove: repo.remove,
    rest: () => until(60_000, rests),
    async image(): Promise<string> {
      return (await platform.api("GET", `/apps/${app}/releases`)).body.releases[0].image;
    },
    setConfig: (run: string) =>
      timed("config", { set: { RUN: run } }, () => untilSaid((now) => now.run === run)),
    scale: (web: number) =>
      timed("formation", { formation: { web } }, async () => {
        const seen = new Set<string>();
        if (web > 1) await untilSaid(({ host }) => seen.add(host).size === web);
      }),
    /** To the warm standby. */
    async rollback(): Promise<number> {
      const { host } = await said();
      return timed("rollback", {}, () => untilSaid((now) => now.host !== host));
    },
    /** To an older release, which is started from its image. */
    async rollbackTo(to: number): Promise<number> {
      const { host } = await said();
      return timed("rollback", { to }, () =>
        untilSaid((now) => now.host !== host && now.run === "none"),
      );
    },
  };
}
