import type { NewRelease } from "../../apps/store.ts";
import type { Sample } from "../../apps/series.ts";
import { otherColour, type Colour, type Deploy } from "../../apps/types.ts";
import { goLive, pushOf, releaseOf, type TestApi } from "./api.ts";

/** The last hour of an app, made up: busy, with a swap `swapped` ms ago from one colour to the other. */
export function hourOf(rate: number, to: Colour, swapped: number, instance: string): Sample[] {
  const now = Date.now();
  const from = to === "blue" ? "green" : "blue";
  return Array.from({ length: 359 }, (_, i) => {
    const at = now - (359 - i) * 10_000;
    const wave = 1 + 0.35 * Math.sin(i / 21) + 0.18 * Math.sin(i / 3.7) + 0.1 * Math.sin(i * 1.9);
    const after = at > now - swapped;
    const p50 = (after ? 9 : 12) + 2 * Math.sin(i / 9);
    const traffic = {
      requests: Math.round(rate * wave * 10),
      errors: i % 47 === 0 ? Math.round(rate * 0.1) : 0,
      p50,
      p95: p50 * 2.1 + 3 * Math.abs(Math.sin(i / 5)),
      p99: p50 * 3.2 + 14 * Math.abs(Math.sin(i / 7)),
    };
    return {
      at,
      seconds: 10,
      colours: { [after ? to : from]: traffic },
      instances: {
        [instance]: {
          ...{ colour: after ? to : from, name: "web.1", cpus: 0.5 },
          ...{ cpu: 0.18 + 0.1 * wave, throttled: Math.max(0, wave - 1.3) },
          ...{ memory: 88e6 + 6e6 * wave, limit: 256 * 1024 ** 2 },
          ...{ requests: traffic.requests, errors: traffic.errors },
        },
      },
    };
  });
}

/** Gives an app its last hour, sample by sample. */
export async function seedHour({ series }: TestApi, app: string, samples: Sample[]): Promise<void> {
  for (const sample of samples) await series.append(new Map([[app, sample]]));
}

/** Makes the app and takes each commit live, in turn. @param release what its releases have besides */
export async function seedApp(
  api: TestApi,
  app: string,
  pushes: [string, string][],
  release: Partial<NewRelease> = {},
) {
  await api.store.createApp(app, "ann");
  for (const [commit, why] of pushes) {
    const deploy = await api.deploys.push(pushOf(app, commit, why));
    await seedLog(api, deploy);
    await goLive(api.store, app, deploy, release);
  }
}

/** A log such as a push leaves, with colours. */
export async function seedLog({ deployLog }: TestApi, { id, commit = "" }: Deploy): Promise<void> {
  await deployLog.append(id, [
    { kind: "step", text: `Deploy ${id}: ${commit.slice(0, 12)}` },
    { kind: "step", text: `Building from commit ${commit.slice(0, 7)}` },
    { kind: "info", text: "Node app: package.json with package-lock.json; Node 24.21.0" },
    { kind: "output", text: "\u001B[32madded 42 packages\u001B[0m in \u001B[1m1.2 s\u001B[0m" },
    { kind: "output", text: "\u001B[33mwarn\u001B[0m deprecated left-pad@1.3.0" },
    { kind: "step", text: "Starting in the idle colour" },
    { kind: "step", text: "Checking web.1: GET / on port 5000" },
    { kind: "info", text: "Try 2: status 200" },
  ]);
}

/** Pushes a version of an app that has a live one, and leaves it held in the idle colour. */
export async function hold({ store, deploys }: TestApi, app: string, commit: string) {
  const asked = await deploys.push({ ...pushOf(app, commit, "Held"), hold: true });
  const taken = await store.claim(app, "test", 10_000);
  const live = (await store.getApp(app))?.live;
  if (!taken || !live) throw new Error(`${app} has nothing live, or nothing queued`);
  const { claim } = taken;
  const release = await store.createRelease(claim, releaseOf(asked));
  const id = `teal-${asked.id}-web-1`;
  const [colour, deploy] = [otherColour(live.colour), asked.id];
  const wish = { id, deploy, release: release.n, colour, process: "web", index: 1 };
  await store.recordInstances(claim, [wish]);
  await store.advanceInstance(claim, id, "started", { host: "127.0.0.1", port: 5000 });
  await store.advanceInstance(claim, id, "healthy");
  await store.holdColour(claim, {
    deploy,
    release: release.n,
    colour,
    targets: [id],
    note: "Held",
  });
  await store.release(claim);
}
