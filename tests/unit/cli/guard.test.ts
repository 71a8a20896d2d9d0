import test from "ava";
import { createCrashes } from "../../../apps/crashes.ts";
import { createGoneImages } from "../../../apps/gone-images.ts";
import { goLive, pushOf } from "../../support/api.ts";
import { startCliShop } from "../../support/cli-shop.ts";

const { api, teal: run, stop } = await startCliShop();
test.after.always(stop);

const teal = (...args: string[]) => run(args);

const options = async () => (await api.store.getSettings("shop")).options;

test.serial("the guard is shown, set field by field, switched off and on", async (t) => {
  t.regex((await teal("guard")).stdout, /^guard\s+on\nwindow\s+30 s\nerrors\s+5 more/);
  t.is((await teal("guard:set", "window=60", "errors=10")).code, 0);
  t.deepEqual((await options()).guard, { window: 60, errors: 10 });
  t.is((await teal("guard:off")).code, 0);
  t.deepEqual((await options()).guard, { window: 60, errors: 10, off: true });
  t.deepEqual(JSON.parse((await teal("guard", "--json")).stdout), { limits: null, watch: null });
  t.is((await teal("guard:on")).code, 0);
  t.is((await teal("guard:set", "window=", "errors=")).code, 0);
  t.is((await options()).guard, undefined, "nothing is left of what was told");
  for (const bad of ["window=4", "window=1.5", "errors=many", "colour=3", "window"]) {
    const { code, stderr } = await teal("guard:set", bad);
    t.is(code, 2, stderr);
  }
});

test.serial("checks are shown as they are asked, the default one among them", async (t) => {
  t.regex(
    (await teal("checks")).stdout,
    /^PROCESS.*\nweb\s+GET \/ on port 5000, any status below 500\s+before it serves\s+until the deploy's time is up/,
  );
  const [row, ...more] = JSON.parse((await teal("checks", "v1", "--json")).stdout) as object[];
  t.deepEqual(more, []);
  t.like(row, { process: "web", type: "startup", attempts: null, warn: false });
  t.is((await teal("checks", "v7")).code, 4);
  t.is((await teal("checks", "first")).code, 2);
});

test.serial("limits are set by process type, and make a release", async (t) => {
  t.regex((await teal("limits")).stdout, /platform's defaults/);
  const set = await teal(
    "limits:set",
    "web.memory=1G",
    "web.cpus=0.5",
    "worker.grace=7200",
    "--no-follow",
  );
  t.is(set.code, 0, set.stderr);
  t.deepEqual((await options()).runtime, {
    web: { memory: 1024, cpus: 0.5 },
    worker: { grace: 7200 },
  });
  const [deploy] = await api.store.listDeploys("shop", 1);
  t.like(deploy, { kind: "config", why: "limits of web, limits of worker" });
  t.regex(
    (await teal("limits")).stdout,
    /web\s+1024 MiB\s+0\.5\s+2048\s+no\s+10 s\nworker\s+a quarter/,
  );
  t.is((await teal("limits:set", "release.pids=64", "--no-follow")).code, 0);
  t.regex((await teal("limits")).stdout, /release .* 64 .* 3600 s\n/, "of each of its commands");
  t.is(
    (await teal("limits:set", "release.pids=", "web.memory=", "web.read-only=on", "--no-follow"))
      .code,
    0,
  );
  t.deepEqual((await options()).runtime?.["web"], { cpus: 0.5, readOnly: true });
  for (const bad of [
    "web=3",
    "web.memory=lots",
    "web.memory=1",
    "web.cpus=-1",
    "web.size=2",
    "web.pids=x",
  ]) {
    const { code, stderr } = await teal("limits:set", bad, "--no-follow");
    t.is(code, 2, `${bad}: ${stderr}`);
  }
});

test.serial("crashes are listed, and a loop is seen in ps and in the app's facts", async (t) => {
  t.regex((await teal("ps:crashes")).stdout, /Nothing has crashed/);
  const [instance] = await api.store.listInstances("shop");
  const { id = "", deploy = "" } = instance ?? {};
  for (let i = 0; i < 5; i++) {
    await createCrashes(api.redis.connect()).record("shop", {
      ...{ at: Date.now() - i * 1000, instance: id, process: "web.1", release: 1 },
      ...{ deploy, cause: "memory", status: 137 },
    });
  }
  t.regex(
    (await teal("ps:crashes")).stdout,
    /v1\s+web\.1 ran out of memory \(status 137 \(SIGKILL\)\)/,
  );
  t.regex((await teal("ps")).stdout, /crash loop .*5: web\.1 ran out of memory/);
  t.regex((await teal("apps:info")).stdout, /crash loop\s+web\.1 ran out of memory/);
});

test.serial("retention is shown and set; a release whose image is gone says so", async (t) => {
  t.regex(
    (await teal("retention")).stdout,
    /^keep\s+the newest 20 good releases\ndays\s+however old/,
  );
  t.is((await teal("retention:set", "keep=5", "days=90")).code, 0);
  t.deepEqual((await options()).retention, { keep: 5, days: 90 });
  t.is((await teal("retention:set", "days=")).code, 0);
  t.deepEqual(JSON.parse((await teal("retention", "--json")).stdout), { keep: 5, days: null });
  t.is((await teal("retention:set", "keep=")).code, 0);
  t.is((await options()).retention, undefined);
  for (const bad of ["keep=0", "keep=1.5", "days=old", "age=3", "keep"]) {
    t.is((await teal("retention:set", bad)).code, 2, bad);
  }
  const [waiting] = await api.store.listDeploys("shop", 1);
  if (waiting?.state === "queued") await api.deploys.cancel(waiting.id, "ann");
  for (const commit of ["bbb", "ccc"]) {
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", commit)));
  }
  const releases = await api.store.listReleases("shop");
  const images = releases.map(({ image }) => image);
  const gone = createGoneImages(api.redis.connect());
  await gone.record(new Map([["shop", { at: Date.now() + 1000, images }]]));
  const shown = JSON.parse((await teal("releases", "--json")).stdout) as { status: string }[];
  t.deepEqual([shown[0]?.status, shown[1]?.status, shown.at(-1)?.status], ["live", "warm", "gone"]);
});

test.serial("how process types pass over is shown, with the storage that says so", async (t) => {
  const handover = () => teal("ps:handover");
  t.regex((await handover()).stdout, /Every process type overlaps/);
  const set = await teal("ps:handover", "web=exclusive", "worker=drain", "--no-follow");
  t.is(set.code, 0, set.stderr);
  for (const more of [["db:/db"], ["queue:/queue", "--ps", "worker"]]) {
    const added = await teal("storage:add", ...more, "--overlap", "no", "--no-follow");
    t.is(added.code, 0, added.stderr);
  }
  const shown = (await handover()).stdout;
  t.regex(shown, /web +exclusive\n/);
  t.regex(shown, /worker +drain\n/);
  t.regex(shown, /all +exclusive +storage db\n/);
  t.regex(shown, /worker +exclusive +storage queue\n/);
  t.is(JSON.parse((await teal("ps:handover", "--json")).stdout).length, 4);
  t.is((await teal("storage:add", "cache:/cache", "--no-follow")).code, 2, "it has to be said");
  t.is((await teal("ps:handover", "release=drain")).code, 2);
});
