import test from "ava";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goLive, pushOf } from "../../support/api.ts";
import { startCliShop } from "../../support/cli-shop.ts";

const { api, dir, teal: run, stop } = await startCliShop();
test.after.always(stop);

function teal(args: string[], input = "", env: NodeJS.ProcessEnv = {}, app = "shop") {
  return run(args, { input, env, app });
}

test.serial("config is set, shown masked, revealed, exported and unset", async (t) => {
  const set = await teal(["config:set", "A=1=2", "SECRET=s3cr3t", "--no-restart"]);
  t.is(set.code, 0, set.stderr);
  t.is(set.stdout, "A, SECRET: in the next release of shop.\n");
  const masked = await teal(["config"]);
  t.regex(masked.stdout, /SECRET +next release +\*{8}\n/);
  t.false(masked.stdout.includes("s3cr3t"));
  t.regex((await teal(["config", "--reveal"])).stdout, /SECRET +next release +s3cr3t/);
  t.is((await teal(["config:get", "A"])).stdout, "1=2\n");
  t.is((await teal(["config:get", "NOWHERE"])).code, 4);
  t.is((await teal(["config:export"])).stdout, "A='1=2'\nSECRET=s3cr3t\n");
  const unset = await teal(["config:unset", "SECRET", "--no-follow"]);
  t.regex(unset.stdout, /^shop-\d+ is on its way/);
  t.regex((await teal(["config"])).stdout, /SECRET +next release +\(unset\)/);
});

test.serial("a .env file is imported from a file and from standard input", async (t) => {
  writeFileSync(join(dir, ".env"), "KEY='two\nlines'\n# no\n");
  t.is((await teal(["config:import", ".env", "--no-restart"])).code, 0);
  t.is((await teal(["config:get", "KEY"])).stdout, "two\nlines\n");
  t.is((await teal(["config:import", "-", "--no-restart"], "FROM=stdin\n")).code, 0);
  t.is((await teal(["config:get", "FROM"])).stdout, "stdin\n");
  t.is((await teal(["config:import", "-"], "nothing here\n")).code, 2);
  t.is((await teal(["config:import", "-"], `A=${"x".repeat(600_000)}`)).code, 2);
  const overSsh = await teal(["config:import", ".env"], "", { TEAL_OVER_SSH: "1" });
  t.is(overSsh.code, 2, "the files there are the platform's, not the caller's");
  t.regex(overSsh.stderr, /Over SSH, - was expected/);
});

test.serial("wrong calls end with 2, and repeat no value", async (t) => {
  for (const args of [["config:set", "s3cr3t"], ["config:set"], ["config:set", "PORT=s3cr3t"]]) {
    const ran = await teal(args);
    t.is(ran.code, 2, args.join(" "));
    t.false(ran.stderr.includes("s3cr3t"), ran.stderr);
  }
  t.is((await teal(["ps:scale", "web"])).code, 2);
  t.is((await teal(["ps:scale", "web=0"])).code, 2);
  t.is((await teal(["domains:add", "http://x/"])).code, 2);
  t.is((await teal(["rollback", "--code-only", "--config-only"])).code, 2);
});

test.serial("scaling, restarting, holding and domains each ask for their deploy", async (t) => {
  t.regex((await teal(["ps:scale", "web=2", "--no-follow"])).stdout, /is on its way/);
  t.is(JSON.parse((await teal(["ps:restart", "--no-follow", "--json"])).stdout).kind, "restart");
  t.regex((await teal(["hold:on"])).stdout, /wait in the idle colour/);
  t.regex((await teal(["apps:info"])).stdout, /hold +new versions wait/);
  t.regex((await teal(["hold:off"])).stdout, /go live by themselves/);
  for (const command of ["promote", "abort"]) t.is((await teal([command])).code, 5, command);
  t.regex((await teal(["domains:add", "Shop.Example", "--no-follow"])).stdout, /is on its way/);
  t.regex(
    (await teal(["domains"])).stdout,
    /shop\.teal\.test +the platform\nshop\.example +added\n/,
  );
  t.is((await teal(["domains:remove", "other.example"])).code, 4);
  t.is((await teal(["domains:remove", "shop.example", "--no-follow"])).code, 0);
});

test.serial("two releases are compared", async (t) => {
  const diff = await teal(["releases:diff", "v1", "v1"]);
  t.regex(diff.stdout, /commit +the same/);
  t.is((await teal(["releases:diff", "v1", "v9"])).code, 4);
});

test.serial("a diff names commits, config, the image's size and the formation", async (t) => {
  const other = "compared";
  const { store, deploys, options } = api;
  await store.createApp(other, "ann");
  const seal = (name: string, value: string) => options.secrets.seal(other, name, value);
  await goLive(store, other, await deploys.push(pushOf(other, "aaa")), {
    ...{ image: "sha256:1", imageBytes: 100_000_000, formation: { web: 1, worker: 2 } },
    config: { KEPT: seal("KEPT", "1"), GONE: seal("GONE", "x"), OTHER: seal("OTHER", "s3cr3t") },
  });
  await goLive(store, other, await deploys.push(pushOf(other, "bbb")), {
    ...{ image: "sha256:2", imageBytes: 120_000_000, formation: { web: 3, worker: 2 } },
    config: { KEPT: seal("KEPT", "1"), OTHER: seal("OTHER", "s3cr3t2"), NEW: seal("NEW", "") },
  });
  const diff = (...more: string[]) => teal(["releases:diff", "v1", "v2", ...more], "", {}, other);
  const shown = await diff();
  t.is(shown.code, 0, shown.stderr);
  t.regex(shown.stdout, /commit +aaa\w* .*bbb/);
  t.regex(shown.stdout, /image +100 MB → 120 MB/);
  t.regex(shown.stdout, /web instances +1 → 3/);
  t.notRegex(shown.stdout, /worker|KEPT|s3cr3t/);
  const json = JSON.parse((await diff("--json")).stdout);
  t.like(json, {
    imageBytes: { from: 100_000_000, to: 120_000_000 },
    config: { added: ["NEW"], removed: ["GONE"], changed: ["OTHER"] },
    formation: { web: { from: 1, to: 3 } },
  });
  for (const name of ["NEW", "GONE", "OTHER"]) t.true(shown.stdout.includes(name), name);
});

test.serial("values of several lines go out and come back as they were", async (t) => {
  const pem = '-----BEGIN KEY-----\nMIIE+/=\n\n  "quoted" $HOME #no\n-----END KEY-----';
  writeFileSync(join(dir, "in.env"), `PEM='${pem}'\nPLAIN=1\n`);
  t.is((await teal(["config:import", "in.env", "--no-restart"])).code, 0);
  t.is((await teal(["config:get", "PEM"])).stdout, `${pem}\n`);
  const exported = (await teal(["config:export"])).stdout;
  t.is((await teal(["config:unset", "PEM", "PLAIN", "--no-restart"])).code, 0);
  t.is((await teal(["config:get", "PEM"])).code, 4);
  const back = await teal(["config:import", "-", "--no-restart"], exported);
  t.is(back.code, 0, back.stderr);
  t.is((await teal(["config:get", "PEM"])).stdout, `${pem}\n`);
  t.is((await teal(["config:export"])).stdout, exported);
});

test.serial("hold:on takes a time after which what is held is promoted by itself", async (t) => {
  const on = await teal(["hold:on", "--promote-after", "10m"]);
  t.regex(on.stdout, /until 'teal promote', or for 10m/);
  t.like(await api.store.getSettings("shop"), { hold: true, options: { promoteAfter: 600 } });
  for (const bad of ["soon", "0s", "31d", "10"]) {
    t.is((await teal(["hold:on", "--promote-after", bad])).code, 2, bad);
  }
  t.is((await teal(["hold:on"])).code, 0);
  t.is((await api.store.getSettings("shop")).options.promoteAfter, undefined);
  t.is((await teal(["hold:off"])).code, 0);
});
