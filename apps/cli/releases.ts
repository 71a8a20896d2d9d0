import { describeCheck } from "../checks.ts";
import type { Change, ReleaseDiff } from "../diff.ts";
import type { ProcessRuntime } from "../runtime.ts";
import type { Deploy } from "../types.ts";
import type { AppView, ReleaseStatus, ReleaseView } from "../views.ts";
import type { Retained } from "../retention.ts";
import type { Input } from "./command.ts";
import { followChange, readLimit } from "./deploys.ts";
import { ago, colourCell, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

export async function listReleases({ app: appOf, options, client, out }: Input): Promise<void> {
  const limit = readLimit(options, "releases");
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/releases?limit=${limit}`;
  const api = await client();
  const { releases } = await api.get<{ releases: ReleaseView[] }>(path);
  if (out.json) return out.value(releases);
  if (releases.length === 0) return out.line(`${app} has no release yet: push one.`);
  const rows = releases.map((one): Cell[] => [
    `v${one.n}`,
    statusCell(one.status),
    colourCell(one.colour),
    one.commit.slice(0, 7) || (one.from ?? "-"),
    `${origin(one)}${one.irreversible ? ", irreversible" : ""}`,
    one.by,
    ago(one.createdAt),
  ]);
  out.table(["RELEASE", "STATUS", "COLOUR", "COMMIT", "FROM", "BY", "WHEN"], rows, 5);
  const beside = releases.find((one) => one.status === "held" || one.status === "warm");
  if (!beside) return;
  const { idleUrl } = await api.get<AppView>(`/apps/${encodeURIComponent(app)}`);
  if (idleUrl) out.line(`The ${beside.status} release answers at ${idleUrl}`);
}

export async function showRelease({ app: appOf, args, client, out }: Input): Promise<void> {
  const n = readReleaseNumber(args[0] ?? "", "releases:info");
  const path = `/apps/${encodeURIComponent(await appOf())}/releases/${n}`;
  const one = await (await client()).get<ReleaseView & { retained: Retained }>(path);
  if (out.json) return out.value(one);
  const processes = Object.entries(one.processes).map(([name, command]): [string, Cell] => [
    name,
    `${one.formation[name] ?? 0} × ${command || "(the image's own command)"}`,
  ]);
  out.facts([
    ["release", `v${one.n} of ${one.app}`],
    ["status", statusCell(one.status)],
    ["colour", colourCell(one.colour)],
    ["from", origin(one)],
    ...(one.commit ? [["commit", one.commit] satisfies [string, Cell]] : []),
    ...(one.from ? [["made elsewhere", one.from] satisfies [string, Cell]] : []),
    ["image", `${one.image} (${Math.round(one.imageBytes / 1e6)} MB)`],
    ["retention", retention(one)],
    ...(one.buildpacks ?? []).map((buildpack): [string, Cell] => ["buildpack", buildpack]),
    ["port", String(one.port)],
    ...processes,
    ["config", one.config.join(" ") || "-"],
    ...Object.entries(one.runtime ?? {}).map(([type, told]): [string, Cell] => [
      "limits",
      `${type} ${limitsOf(told)}`,
    ]),
    ...Object.entries(one.scripts ?? {}),
    ...(one.check
      ? [
          ["check", `${one.check.path} within ${one.check.withinMs / 1000} s`] satisfies [
            string,
            Cell,
          ],
        ]
      : []),
    ...Object.entries(one.checks ?? {}).flatMap(([process, checks]) =>
      checks.map((check): [string, Cell] => [
        "check",
        `${process} ${check.type}: ${describeCheck(check, one.port)}`,
      ]),
    ),
    ...(one.mounts ?? []).map(({ source, target }): [string, Cell] => [
      "storage",
      `${source}:${target}`,
    ]),
    ...(one.cron ?? []).map((job): [string, Cell] => ["cron", `${job.schedule}  ${job.command}`]),
    ...(one.domains?.length ? [["domains", one.domains.join(" ")] satisfies [string, Cell]] : []),
    ...(one.irreversible
      ? [["irreversible", "a rollback past it needs --force"] satisfies [string, Cell]]
      : []),
    ["deploy", one.deploy],
    ["by", `${one.by}, ${ago(one.createdAt)}`],
    ["why", one.why || "-"],
  ]);
}

/** As `limits:set` takes them. */
function limitsOf({ memory, readOnly, ...rest }: ProcessRuntime): string {
  const said = {
    ...(memory !== undefined && { memory: `${memory}M` }),
    ...(readOnly !== undefined && { "read-only": readOnly ? "on" : "off" }),
    ...rest,
  };
  return Object.entries(said)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function retention({ status, retained: { kept, why } }: ReleaseView & { retained: Retained }) {
  if (status === "gone" && kept) return "gone: over TEAL_IMAGES, or removed beside the platform";
  return `${kept ? "kept" : "not kept"}: ${why}`;
}

export async function markIrreversible({ app, args, options, client, out }: Input): Promise<void> {
  const n = readReleaseNumber(args[0] ?? "", "releases:irreversible");
  const path = `/apps/${encodeURIComponent(await app())}/releases/${n}/irreversible`;
  const irreversible = options["off"] !== true;
  const answer = await (await client()).post<object>(path, { irreversible });
  if (out.json) return out.value(answer);
  out.line(
    irreversible
      ? `A rollback to a release before v${n} needs '--force' from now on.`
      : `A rollback to a release before v${n} is like any other again.`,
  );
}

export async function rollback(input: Input): Promise<void> {
  const { args, options } = input;
  const to = args[0] === undefined ? {} : { to: readReleaseNumber(args[0], "rollback") };
  const why = options["why"] === undefined ? {} : { why: options["why"] };
  const part = readPart(options);
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}/rollback`;
  const { deploy } = await client.post<{ deploy: Deploy }>(path, {
    ...{ ...to, ...why, ...part },
    force: options["force"] === true,
    runRelease: options["run-release"] === true,
  });
  await followChange(input, client, deploy, "");
}

function readPart(options: Input["options"]): { part?: "code" | "config" } {
  const [code, config] = [options["code-only"], options["config-only"]];
  if (code && config) {
    throw wrongUsage("Either '--code-only' or '--config-only' was expected, and both came", {
      name: "rollback",
    });
  }
  return code ? { part: "code" } : config ? { part: "config" } : {};
}

export async function diffReleases({ app: appOf, args, client, out }: Input): Promise<void> {
  const [from, to] = args.map((arg) => readReleaseNumber(arg, "releases:diff"));
  const path = `/apps/${encodeURIComponent(await appOf())}/releases/${from}/diff/${to}`;
  const diff = await (await client()).get<ReleaseDiff>(path);
  if (out.json) return out.value(diff);
  const { commit, imageBytes, config, domains } = diff;
  const names = (sign: string, list: string[]) => list.map((name) => `${sign}${name}`);
  const vars = [
    ...names("+", config.added),
    ...names("-", config.removed),
    ...names("~", config.changed),
  ];
  const hosts = [...names("+", domains?.added ?? []), ...names("-", domains?.removed ?? [])];
  const arrow = (one: Change<string | number>) => `${one.from ?? "-"} → ${one.to ?? "-"}`;
  const size = imageBytes && {
    from: `${Math.round((imageBytes.from ?? 0) / 1e6)} MB`,
    to: `${Math.round((imageBytes.to ?? 0) / 1e6)} MB`,
  };
  out.facts([
    ["commit", commit ? arrow(commit) : "the same"],
    ["image", size ? arrow(size) : "the same"],
    ["config", vars.length > 0 ? vars.join(" ") : "the same"],
    ["domains", hosts.length > 0 ? hosts.join(" ") : domains ? "the same" : "not known"],
    ...Object.entries(diff.processes).map(([name, one]): [string, Cell] => [name, arrow(one)]),
    ...Object.entries(diff.formation).map(([name, one]): [string, Cell] => [
      `${name} instances`,
      arrow(one),
    ]),
  ]);
}

/** `v3` or `3`. */
export function readReleaseNumber(given: string, command: string): number {
  const n = /^v?(\d{1,9})$/.exec(given)?.[1];
  if (!n || Number(n) === 0) {
    throw wrongUsage(`A release such as v3 was expected, and '${given.slice(0, 40)}' came`, {
      name: command,
    });
  }
  return Number(n);
}

function origin({ kind, rollbackOf }: ReleaseView): string {
  if (kind !== "rollback") return kind;
  return rollbackOf === undefined ? "rollback" : `rollback to v${rollbackOf}`;
}

function statusCell(status: ReleaseStatus): Cell {
  if (status === "live") return { text: status, paint: "bold" };
  if (status === "failed") return { text: status, paint: "red" };
  return status === "kept" || status === "gone" ? { text: status, paint: "grey" } : status;
}
