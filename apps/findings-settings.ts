import { spanText } from "./amounts.ts";
import type { AppFacts } from "./app-facts.ts";
import type { Finding } from "./findings.ts";

const DAY_MS = 86_400_000;
/** The platform renews what it ordered long before. */
const DAYS = { warn: 21, bad: 7 };

/** What an app was told and what became of it: deploys, domains, certificates, storage. */
export function judgeSettings(facts: AppFacts): Finding[] {
  return [
    ...judgeLive(facts),
    ...judgeDeploy(facts),
    ...judgeGuard(facts),
    ...judgeDomains(facts),
    ...judgeCertificates(facts),
    ...judgeOrders(facts),
    ...judgeImages(facts),
    ...judgeStorage(facts),
    ...judgeWaiting(facts),
  ];
}

function judgeLive({ app, settings, instances }: AppFacts): Finding[] {
  const on = `-a ${app.name}`;
  if (settings.options.stopped) {
    const seen = `stopped by its people, with ${instances.length} instance(s) on record`;
    const means = "Its hosts answer 503 until it is started.";
    return [{ level: "note", about: "the app", seen, means, todo: `teal ps:start ${on}` }];
  }
  if (!app.live) {
    const means = "Its hosts answer 404.";
    const seen = "0 releases live";
    return [{ level: "warn", about: "the app", seen, means, todo: "git push deploy main" }];
  }
  if (!settings.options["routing.maintenance"]) return [];
  const seen = "maintenance is on: every request is answered with 503";
  const means = "The app runs on behind it, and deploys go on.";
  return [{ level: "note", about: "the app", seen, means, todo: `teal maintenance:off ${on}` }];
}

function judgeDeploy({ app, lastDeploy, at }: AppFacts): Finding[] {
  if (lastDeploy?.state !== "failed") return [];
  const { id, kind, error = "it does not say why", finishedAt, createdAt } = lastDeploy;
  const when = spanText(at - (finishedAt ?? createdAt));
  return [
    {
      level: app.live ? "warn" : "bad",
      about: "the last deploy",
      seen: `${id} (${kind}) failed ${when} ago: ${error}`,
      means: app.live
        ? `What was asked for is not live; v${app.live.release} is, as before.`
        : "Nothing is live yet.",
      todo: `teal logs --deploy ${id} -a ${app.name}`,
    },
  ];
}

function judgeGuard({ app, watch, at }: AppFacts): Finding[] {
  if (watch?.state !== "tripped") return [];
  const { release, against, why = "it did worse", endedAt = watch.until } = watch;
  return [
    {
      level: "warn",
      about: "the guard",
      seen: `swapped v${release} back to what v${against} was, ${spanText(at - endedAt)} ago: ${why}`,
      means: "The newer code is not live. Mend it and push; the guard watches that one too.",
      todo: `teal releases:diff v${against} v${release} -a ${app.name}`,
    },
  ];
}

function judgeDomains({ app, domains }: AppFacts): Finding[] {
  const count = domains.filter((one) => one.routed).length;
  return domains.flatMap(({ host, routed, owner }): Finding[] => {
    const of = { about: `domain ${host}` };
    if (owner !== app.name) {
      const seen = `0 requests to it come here: ${owner === null ? "nobody" : `app ${owner}`} has its claim`;
      const means =
        "Requests to it do not reach this app, and a change of the route may be refused.";
      const todo = `teal domains:remove ${host} -a ${app.name}`;
      return [{ ...of, level: "bad", seen, means, todo }];
    }
    if (routed || !app.live) return [];
    const seen = `added, and not routed, as ${count} of ${domains.length} domains are`;
    const means = "Routers answer 404 there. Its deploy failed or waits; the next swap brings it.";
    return [{ ...of, level: "warn", seen, means, todo: `teal ps:restart -a ${app.name}` }];
  });
}

function judgeCertificates({ app, certificates, at }: AppFacts): Finding[] {
  return certificates.flatMap((one): Finding[] => {
    const covered = certificates.some(
      (other) =>
        other.notAfter > one.notAfter && one.names.every((name) => other.names.includes(name)),
    );
    const days = Math.floor((one.notAfter - at) / DAY_MS);
    if (covered || days >= DAYS.warn) return [];
    const over = one.notAfter <= at;
    return [
      {
        level: days < DAYS.bad ? "bad" : "warn",
        about: `certificate ${one.id}`,
        seen: over
          ? `it ended ${spanText(at - one.notAfter)} ago: ${one.names.join(", ")}`
          : `${days} days left: ${one.names.join(", ")}`,
        means: over
          ? "Browsers refuse the app by https."
          : "When it has ended, browsers refuse the app by https.",
        todo:
          one.source === "own"
            ? `teal certs:add fullchain.pem privkey.pem -a ${app.name}`
            : `teal certs:auto on -a ${app.name}`,
      },
    ];
  });
}

function judgeOrders({ app, attempts }: AppFacts): Finding[] {
  return attempts.map(({ host, failures, error }) => ({
    level: "warn",
    about: `certificate for ${host}`,
    seen: `${failures} order(s) in a row failed: ${error}`,
    means: "The platform tries again by itself, less and less often.",
    todo: `teal certs -a ${app.name}`,
  }));
}

function judgeImages({ app, gone }: AppFacts): Finding[] {
  if (gone.length === 0) return [];
  const live = app.live !== null && gone.includes(app.live.release);
  return [
    {
      level: live ? "bad" : "note",
      about: "images",
      seen: `${gone.length} release(s) without one: ${gone
        .slice(0, 10)
        .map((n) => `v${n}`)
        .join(", ")}`,
      means: live
        ? "What is live runs on, and cannot be started anew."
        : "There is no rollback to these; their records stay.",
      todo: live ? "git push deploy main" : `teal retention -a ${app.name}`,
    },
  ];
}

/** Files that instances of more than one release may write to at once. */
function judgeStorage({ app, look, instances }: AppFacts): Finding[] {
  const users = new Map<string, Set<number>>();
  for (const { id, container } of look?.instances ?? []) {
    const instance = instances.find((one) => one.id === id);
    if (!instance || !container?.running) continue;
    for (const { source } of container.mounts.filter(({ writable }) => writable)) {
      users.set(source, (users.get(source) ?? new Set()).add(instance.release));
    }
  }
  return [...users].flatMap(([source, releases]): Finding[] => {
    if (releases.size < 2) return [];
    return [
      {
        level: "note",
        about: `storage ${source}`,
        seen: `written by instances of ${releases.size} releases at once: ${[...releases].map((n) => `v${n}`).join(", ")}`,
        means: "It was said that the app stands this. The standby goes on using it.",
        todo: `teal storage -a ${app.name}`,
      },
    ];
  });
}

function judgeWaiting({ app, staged, at }: AppFacts): Finding[] {
  const found: Finding[] = [];
  if (staged.length > 0) {
    found.push({
      level: "note",
      about: "config",
      seen: `${staged.length} name(s) staged and not live: ${staged.join(", ")}`,
      means: "The next release has it: any push, or a config:set without --no-restart.",
      todo: `teal config -a ${app.name}`,
    });
  }
  if (app.held) {
    const { release, colour, since, promoteAt } = app.held;
    const itself = promoteAt === undefined ? "" : `; by itself in ${spanText(promoteAt - at)}`;
    found.push({
      level: "note",
      about: "a new version that is held",
      seen: `v${release} in ${colour} for ${spanText(at - since)}${itself}`,
      means: "It is healthy and waits to be promoted, or aborted.",
      todo: `teal promote -a ${app.name}`,
    });
  }
  return found;
}
