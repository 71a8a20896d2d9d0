import { join } from "node:path";
import test from "ava";
import { isTealError } from "../../apps/errors.ts";
import { createFetcher } from "../../apps/fetcher.ts";
import { createOutward, isPublic } from "../../apps/outward.ts";
import type { Deploy } from "../../apps/types.ts";
import { startCiRepo, type CiRepo } from "../support/ci-repo.ts";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";

let world: PushWorld;
let repo: CiRepo;
test.before(async () => {
  world = await startPushWorld();
  repo = await startCiRepo();
  const work = await world.repository();
  await work.git(["push", "--quiet", repo.dir, "main"]);
});
test.after.always(async () => {
  repo?.stop();
  await world?.stop();
});

test.serial("only addresses of the public internet are public", (t) => {
  const inside = [
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254"],
    ...[
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
    ],
    ...[
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "::7f00:1",
      "64:ff9b::7f00:1",
      "fe80::1",
    ],
    ...["fc00::1", "fd12::1", "ff02::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "100::1"],
  ];
  for (const address of inside) t.false(isPublic(address), address);
  for (const address of ["1.1.1.1", "140.82.121.4", "172.32.0.1", "2606:4700::1111", "2a00::1"]) {
    t.true(isPublic(address), address);
  }
});

test.serial(
  "every way of writing a private address is refused where the connection is made",
  async (t) => {
    const outward = createOutward({ allowPrivate: false });
    const hosts = ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "017700000001", "0", "127.1"];
    for (const host of [...hosts, "[::1]", "::ffff:127.0.0.1", "169.254.169.254", "[fe80::1]"]) {
      const error = await t.throwsAsync(outward.connect(host, repo.port), undefined, host);
      t.true(isTealError(error, "private-address"), `${host}: ${error}`);
    }
    t.deepEqual(repo.requests, []);
    const allowed = await createOutward({ allowPrivate: true }).connect("127.0.0.1", repo.port);
    allowed.destroy();
  },
);

const NEVER = new AbortController().signal;

function fetchFrom(app: string, url: string, allowPrivate: boolean): Promise<string> {
  const fetcher = createFetcher({
    git: world.git,
    senders: { credentials: async () => ({}) },
    outward: createOutward({ allowPrivate }),
    allowPrivate,
    workDir: join(world.dir, "work"),
    knownHosts: join(world.dir, "known-hosts"),
  });
  return fetcher.fetch({ app, sender: "s", repo: url, ref: "refs/heads/main" } as Deploy, NEVER);
}

test.serial(
  "git is led to no private address, by https or ssh, and not by a plain http address",
  async (t) => {
    const at = `127.0.0.1:${repo.port}/ann/shop.git`;
    for (const url of [
      `https://${at}`,
      `https://localhost:${repo.port}/x`,
      `https://0x7f.1:${repo.port}/x`,
      `ssh://git@${at}`,
    ]) {
      const error = await t.throwsAsync(fetchFrom("inside", url, false), undefined, url);
      t.true(isTealError(error, "private-address"), `${url}: ${error}`);
    }
    const plain = await t.throwsAsync(fetchFrom("inside", `http://${at}`, false));
    t.regex(plain.message, /https was expected/);
    t.deepEqual(repo.requests, []);
  },
);

test.serial("a redirect is not followed, wherever it leads", async (t) => {
  const other = await startCiRepo();
  try {
    repo.redirect(`http://127.0.0.1:${other.port}`);
    const error = await t.throwsAsync(fetchFrom("led", repo.url, true));
    t.true(isTealError(error, "fetch-failed"));
    t.true(repo.requests.length > 0);
    t.deepEqual(other.requests, []);
    repo.redirect("");
    t.regex(await fetchFrom("led", repo.url, true), /^[0-9a-f]{40}$/);
  } finally {
    other.stop();
  }
});
