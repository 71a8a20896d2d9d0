import type { Deploy } from "../types.ts";
import type { ReleaseStatus, ReleaseView } from "../views.ts";
import type { Input } from "./command.ts";
import { follow, readLimit } from "./deploys.ts";
import { ago, colourCell, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

export async function listReleases({ app: appOf, options, client, out }: Input): Promise<void> {
  const limit = readLimit(options, "releases");
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/releases?limit=${limit}`;
  const { releases } = await (await client()).get<{ releases: ReleaseView[] }>(path);
  if (out.json) return out.value(releases);
  if (releases.length === 0) return out.line(`${app} has no release yet: push one.`);
  const rows = releases.map((one): Cell[] => [
    `v${one.n}`,
    statusCell(one.status),
    colourCell(one.colour),
    one.commit.slice(0, 7),
    origin(one),
    one.by,
    ago(one.createdAt),
  ]);
  out.table(["RELEASE", "STATUS", "COLOUR", "COMMIT", "FROM", "BY", "WHEN"], rows, 5);
}

export async function showRelease({ app: appOf, args, client, out }: Input): Promise<void> {
  const n = readNumber(args[0] ?? "", "releases:info");
  const path = `/apps/${encodeURIComponent(await appOf())}/releases/${n}`;
  const one = await (await client()).get<ReleaseView>(path);
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
    ["commit", one.commit],
    ["image", `${one.image} (${Math.round(one.imageBytes / 1e6)} MB)`],
    ["port", String(one.port)],
    ...processes,
    ["deploy", one.deploy],
    ["by", `${one.by}, ${ago(one.createdAt)}`],
    ["why", one.why || "-"],
  ]);
}

export async function rollback(input: Input): Promise<void> {
  const { args, options, out } = input;
  const to = args[0] === undefined ? {} : { to: readNumber(args[0], "rollback") };
  const why = options["why"] === undefined ? {} : { why: options["why"] };
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}/rollback`;
  const { deploy } = await client.post<{ deploy: Deploy }>(path, { ...to, ...why });
  if (options["no-follow"]) {
    if (out.json) return out.value(deploy);
    return out.line(`${deploy.id} is on its way; 'teal logs --deploy ${deploy.id} -f' follows it.`);
  }
  await follow(client, deploy.id, out);
}

function readNumber(given: string, command: string): number {
  const n = /^v?(\d{1,9})$/.exec(given)?.[1];
  if (!n || Number(n) === 0) {
    throw wrongUsage(`A release such as v3 was expected, and '${given.slice(0, 40)}' came`, {
      name: command,
    });
  }
  return Number(n);
}

function origin({ kind, rollbackOf }: ReleaseView): string {
  if (kind === "push") return "push";
  return rollbackOf === undefined ? "rollback" : `rollback to v${rollbackOf}`;
}

function statusCell(status: ReleaseStatus): Cell {
  if (status === "live") return { text: status, paint: "bold" };
  if (status === "failed") return { text: status, paint: "red" };
  return status === "kept" ? { text: status, paint: "grey" } : status;
}
