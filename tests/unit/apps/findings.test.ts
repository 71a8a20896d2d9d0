import test from "ava";
import fc from "fast-check";
import { resourcesOf } from "../../../apps/app-resources.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import type { AppFacts } from "../../../apps/app-facts.ts";
import { optionsOf } from "../../../apps/cli/help.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { findingsOf } from "../../../apps/findings.ts";
import { splitWords } from "../../../hooks/words.ts";
import { anyFacts, containerOf, factsOf, HOUR, instanceOf, MIB, NOW } from "../../support/facts.ts";

const about = (facts: Parameters<typeof findingsOf>[0]) =>
  findingsOf(facts).map((one) => `${one.level} ${one.about}: ${one.seen}`);

test("an app with nothing wrong has no findings, and its resources are told all the same", (t) => {
  const facts = factsOf();
  t.deepEqual(findingsOf(facts), []);
  t.deepEqual(
    resourcesOf(facts).map(({ resource, utilisation }) => `${resource}: ${utilisation}`),
    [
      "processor of web.1: 0.1 of 1 (10 %)",
      "memory of web.1: 50 MiB of 256 MiB (20 %)",
      "processes of web.1: 4 of 2048 (< 1 %)",
      "logs: 1.0 MiB of 64 MiB (2 %)",
      "router: 10.0 requests/s, p50 3 ms, p99 9 ms",
    ],
  );
});

test("what an instance takes of its limits is judged by its share", (t) => {
  const used = (usage: object) => factsOf({ container: containerOf({ usage }) });
  t.deepEqual(about(used({ memory: 220 * MIB })), [
    "warn memory of web.1: 220 MiB of 256 MiB (86 %)",
  ]);
  t.deepEqual(about(used({ memory: 250 * MIB })), [
    "bad memory of web.1: 250 MiB of 256 MiB (98 %)",
  ]);
  t.is(findingsOf(used({ memory: 250 * MIB }))[0]?.todo, "teal limits:set web.memory=512M -a shop");
  t.deepEqual(about(used({ cpus: 0.4, periods: 10, throttled: 3 })), [
    "warn processor of web.1: 0.40 of 1 processors busy (40 %); throttled in 3 of 10 periods",
  ]);
  t.deepEqual(about(used({ cpus: 0.4, periods: 3, throttled: 3 })), [], "too few to say");
  t.deepEqual(about(used({ pids: 2000 })), [
    "bad processes of web.1: 2000 of 2048 processes and threads",
  ]);
  const standby = { serves: "standby" as const };
  const full = { container: containerOf({ usage: { memory: 250 * MIB } }) };
  t.regex(about(factsOf({ ...full, instances: [instanceOf(standby)] }))[0] ?? "", /^warn memory/);
  const boundless = containerOf({ limits: { memory: 0, cpus: 0, pids: 0 } });
  t.deepEqual(about(factsOf({ container: boundless })), []);
});

test("what ended, what crashes and what fails its check is told by its last cause", (t) => {
  const crash = (ago: number, cause: "exit" | "memory") => ({
    ...{ at: NOW - ago, instance: "teal-shop-1-web-1", process: "web.1", release: 1 },
    ...{ deploy: "shop-1", cause, status: cause === "exit" ? 3 : 137 },
  });
  t.deepEqual(about(factsOf({ crashes: [crash(9, "exit"), crash(5, "exit")] })), [
    "warn crashes of web.1: 2 in the last hour; the last: web.1 ended with status 3",
  ]);
  const [starved] = findingsOf(factsOf({ crashes: [crash(5, "memory")] }));
  t.regex(starved?.seen ?? "", /1 for lack of memory; the last: web\.1 ran out of memory/);
  t.is(starved?.todo, "teal limits:set web.memory=512M -a shop");
  const loop = factsOf({
    instances: [instanceOf({ looping: true })],
    crashes: [crash(5, "exit")],
    container: containerOf({ running: false, exitCode: 3, usage: null }),
  });
  t.deepEqual(about(loop), [
    "bad crash loop of web.1: 1 in the last hour; the last: web.1 ended with status 3",
    "bad web.1: not running: it ended with status 3, 60 min after its last start",
  ]);
  t.deepEqual(about(factsOf({ container: null })), [
    "bad web.1: not running: its container is gone (0 of 1)",
  ]);
  const imageless = findingsOf(factsOf({ container: null, gone: [1] }));
  t.is(
    imageless.find((one) => one.about === "web.1")?.means,
    "Nor is the image of v1 here: it cannot be started.",
  );
  const says = { type: "startup" as const, what: "GET /up on port 5000", says: "status 500" };
  t.deepEqual(about(factsOf({ checks: [{ ...says, healthy: false }] })), [
    "bad startup check of web.1: GET /up on port 5000: status 500 (1 try, just now)",
  ]);
  const moved = containerOf({ addresses: ["10.0.0.9"] });
  t.deepEqual(about(factsOf({ container: moved })), [
    "bad address of web.1: 10.0.0.9, and 10.0.0.2 is on record",
  ]);
  t.is(findingsOf(factsOf({ noWorker: true }))[0]?.todo, "teal status");
});

test("what routers see is judged once there is enough of it", (t) => {
  const seen = (requests: number, errors: number, more = {}) =>
    about(factsOf({ traffic: { seconds: 60, requests, errors, ...more } }));
  t.deepEqual(seen(19, 19), []);
  t.deepEqual(seen(100, 1), []);
  t.deepEqual(seen(100, 5), [
    "warn failed requests: 5 of 100 requests (5 %) in the last 60 s got a 5xx or no answer",
  ]);
  t.regex(seen(100, 30)[0] ?? "", /^bad failed requests: 30 of 100 requests \(30 %\)/);
  t.regex(seen(100, 0, { p50: 10, p99: 4000 })[0] ?? "", /^warn slow answers: 1 of 100/);
  const down = factsOf({ routers: { down: ["teal-shop-1-web-1"], ejections: 2, refused: 7 } });
  t.regex(about(down)[0] ?? "", /^bad instances that took no connection: web\.1: 1 of 1; .* 7 req/);
  t.regex(about(factsOf({ behind: ["r1"] }))[0] ?? "", /^warn routers that are behind: 1: r1/);
  t.regex(about(factsOf({ routers: { silent: 1 } }))[0] ?? "", /^warn .*: 1 of 2 on this machine/);
});

test("an instance that does worse than the others is named, with what it failed", (t) => {
  const two = instanceOf({ id: "two", index: 2 });
  const instances = [instanceOf({}), two, instanceOf({ id: "three", index: 3, serves: "standby" })];
  const seen = (first: number[], second: number[], third = [0, 0]) => {
    const [one, other, idle] = [first, second, third].map(([errors = 0, requests = 0]) => {
      return { requests, errors };
    });
    const answers = { "teal-shop-1-web-1": one, two: other, three: idle };
    return factsOf({ instances, answers: answers as AppFacts["answers"] });
  };
  t.deepEqual(about(seen([0, 100], [5, 100])), [
    "warn failed requests of web.2: 5 of 100 (5 %) got a 5xx or no answer; of the other instances 0 of 100",
  ]);
  t.regex(about(seen([2, 100], [30, 100]))[0] ?? "", /^bad failed requests of web\.2: 30 of 100/);
  t.deepEqual(about(seen([20, 100], [30, 100])), [], "they all fail");
  t.deepEqual(about(seen([0, 100], [9, 10])), [], "too few to say");
  t.deepEqual(about(seen([0, 100], [0, 100], [50, 50])), [], "nobody is sent to a standby");
  const rows = resourcesOf(seen([0, 120], [5, 90])).filter(({ resource }) =>
    resource.startsWith("requests of"),
  );
  t.deepEqual(
    rows.map((row) => [row.resource, row.utilisation, row.errors]),
    [
      ["requests of web.1", "2.0 requests/s", "0 of 120 failed"],
      ["requests of web.2", "1.5 requests/s", "5 of 90 failed"],
      ["requests of web.3 (blue)", "0.0 requests/s", "0 of 0 failed"],
    ],
  );
});

test("what people asked for and what became of it is told", (t) => {
  const first = (facts: Parameters<typeof factsOf>[0]) => about(factsOf(facts))[0] ?? "";
  t.regex(first({ staged: ["A", "B"] }), /^note config: 2 name\(s\) staged and not live: A, B/);
  const slot = { colour: "green", release: 2, deploy: "shop-2", since: NOW - HOUR } as const;
  t.regex(
    first({ app: { held: { ...slot, promoteAt: NOW + 60_000 } } }),
    /^note a new version that is held: v2 in green for 60 min; by itself in 60 s/,
  );
  t.regex(first({ app: { live: null } }), /^warn the app: 0 releases live/);
  t.regex(first({ options: { stopped: true } }), /^note the app: stopped/);
  t.regex(first({ options: { "routing.maintenance": true } }), /^note the app: maintenance/);
  const failed = { state: "failed", error: "check failed", finishedAt: NOW - 60_000 } as const;
  t.regex(
    first({ lastDeploy: failed }),
    /^warn the last deploy: shop-2 \(push\) failed 60 s ago: check/,
  );
  t.regex(first({ lastDeploy: failed, app: { live: null } }), /^bad the last deploy/);
  t.is(first({ lastDeploy: { state: "live" } }), "");
  t.regex(
    first({ tripped: "9 of 20 failed" }),
    /^warn the guard: swapped v2 back .* 9 of 20 failed/,
  );
  const at = { host: "shop.example", routed: false };
  t.regex(first({ domains: [{ ...at, owner: "blog" }] }), /^bad domain .* app blog has its claim/);
  t.regex(first({ domains: [{ ...at, owner: null }] }), /^bad domain .* nobody has its claim/);
  t.regex(first({ domains: [{ ...at, owner: "shop" }] }), /^warn domain .* as 0 of 1 domains are/);
  t.is(first({ domains: [{ ...at, owner: "shop", routed: true }] }), "");
  const cert = (id: string, days: number) => ({
    ...{ id, names: ["shop.example"], source: "own" as const, notAfter: NOW + days * 24 * HOUR },
  });
  t.regex(first({ certificates: [cert("old", 5.5)] }), /^bad certificate old: 5 days left/);
  t.regex(first({ certificates: [cert("old", 20)] }), /^warn certificate old: 20 days left/);
  t.regex(first({ certificates: [cert("old", -2.5)] }), /^bad certificate old: it ended 2 d ago/);
  t.is(first({ certificates: [cert("old", 5), cert("new", 60)] }), "", "replaced");
  t.regex(
    first({ attempts: [{ host: "shop.example", failures: 3, error: "no answer" }] }),
    /^warn certificate for shop\.example: 3 order\(s\) in a row failed: no answer/,
  );
  t.regex(first({ gone: [1] }), /^bad images: 1 release\(s\) without one: v1/);
  t.regex(first({ gone: [7, 8] }), /^note images: 2 release\(s\)/);
});

test("files that two releases write to at once, and a disk that is nearly full, are told", (t) => {
  const mounts = [{ source: "data", target: "/data", writable: true }];
  const two = [instanceOf({}), instanceOf({ id: "old", release: 2, serves: "standby" })];
  const shared = factsOf({ instances: two, container: containerOf({ mounts }) });
  t.deepEqual(about(shared), [
    "note storage data: written by instances of 2 releases at once: v1, v2",
  ]);
  const disk = { source: "data", target: "/data", used: 3 * MIB, whole: true, size: 100 * MIB };
  t.deepEqual(about(factsOf({ disks: [{ ...disk, free: 3 * MIB }] })), [
    "bad disk of data: 97 % full, 3.0 MiB free; data holds 3.0 MiB",
  ]);
  t.deepEqual(about(factsOf({ disks: [{ ...disk, free: 50 * MIB }] })), []);
});

test("no finding is without a figure, a meaning, and a command that there is", (t) => {
  let findings = 0;
  const kinds = new Set<string>();
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const found = findingsOf(facts);
      for (const { about: what, seen, means, todo } of found) {
        findings++;
        kinds.add(what.split(" ")[0] ?? "");
        if (!/\d/.test(seen)) throw new Error(`no figure: ${seen}`);
        if (!means.endsWith(".") || what === "") throw new Error(`no meaning: ${means}`);
        const [program, ...words] = splitWords(todo) ?? [];
        if (program === "git") continue;
        if (program !== "teal") throw new Error(`no command: ${todo}`);
        if (words[0] !== "status") parse(words, COMMANDS, optionsOf);
      }
      for (const row of resourcesOf(facts)) {
        for (const text of Object.values(row)) {
          if (text === "" || /NaN|undefined|Infinity/.test(text)) throw new Error(text);
        }
      }
    }),
    { numRuns: 1000 },
  );
  t.true(findings > 1000, `${findings} findings`);
  t.true(kinds.size >= 12, [...kinds].join(" "));
});
