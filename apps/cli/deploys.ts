import { TealError } from "../errors.ts";
import type { Deploy } from "../types.ts";
import type { LogLine } from "../deploy-log.ts";
import type { Client } from "./client.ts";
import type { Input } from "./command.ts";
import { ago, duration, type Cell, type Output } from "./output.ts";
import { wrongUsage } from "./parse.ts";

export async function listDeploys({ app: appOf, options, client, out }: Input): Promise<void> {
  const limit = readLimit(options, "deploys");
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/deploys?limit=${limit}`;
  const { deploys } = await (await client()).get<{ deploys: Deploy[] }>(path);
  if (out.json) return out.value(deploys);
  if (deploys.length === 0) return out.line(`${app} has no deploy yet: push one.`);
  const rows = deploys.map((one): Cell[] => [
    one.id,
    stateCell(one.state),
    one.kind === "rollback" && one.toRelease ? `rollback to v${one.toRelease}` : one.kind,
    one.release ? `v${one.release}` : "-",
    one.commit?.slice(0, 7) ?? "-",
    one.by,
    ago(one.createdAt),
    one.finishedAt ? duration(one.finishedAt - one.createdAt) : "-",
  ]);
  out.table(["DEPLOY", "STATE", "WHAT", "RELEASE", "COMMIT", "BY", "WHEN", "TOOK"], rows, 5);
}

/** Without an id: what runs of the app's deploys, else what is next. */
export async function cancelDeploy({ app, args, client, out }: Input): Promise<void> {
  const api = await client();
  const id = args[0] ?? (await underWay(api, await app()));
  const { deploy } = await api.post<{ deploy: Deploy }>(
    `/deploys/${encodeURIComponent(id)}/cancel`,
  );
  if (out.json) return out.value(deploy);
  out.line(
    deploy.state === "cancelled" ? `${deploy.id} is cancelled.` : `${deploy.id} was asked to stop.`,
  );
}

/** @throws nothing-under-way */
async function underWay(api: Client, name: string): Promise<string> {
  const path = `/apps/${encodeURIComponent(name)}/deploys`;
  const { deploys } = await api.get<{ deploys: Deploy[] }>(path);
  const found =
    deploys.find(({ state }) => state === "running") ??
    deploys.findLast(({ state }) => state === "queued");
  if (!found) throw new TealError("nothing-under-way", { name });
  return found.id;
}

/**
 * Prints the deploy's log until it ends, then how it ended and after how long. Ctrl-C detaches.
 * Lines after the one with the id `after` alone, and of these those that are wanted.
 * With `--json` one JSON object per line: the log's lines, then the deploy.
 */
export async function follow(
  client: Client,
  id: string,
  out: Output,
  { after, wanted = () => true }: { after?: string; wanted?: (line: LogLine) => boolean } = {},
): Promise<void> {
  const path = `/deploys/${encodeURIComponent(id)}/log${after === undefined ? "" : `?after=${after}`}`;
  const detach = () => {
    out.note(`\nThe deploy goes on; 'teal logs --deploy ${id} -f' follows it.`);
    process.exit(130);
  };
  process.once("SIGINT", detach);
  try {
    for await (const { event, data } of client.events(path)) {
      if (event === "line" && !wanted(data as LogLine)) continue;
      if (out.json) out.line(JSON.stringify(data));
      else if (event === "line") printLine(data as LogLine, out);
      if (event === "end") return finish(data as Deploy | null, out);
    }
  } finally {
    process.off("SIGINT", detach);
  }
}

/**
 * What a change of an app leads to: the deploy that brings it about, followed unless `--no-follow`,
 * or none, and then `otherwise` says what becomes of it.
 */
export async function followChange(
  { options, out }: Pick<Input, "options" | "out">,
  client: Client,
  deploy: Deploy | null,
  otherwise: string,
): Promise<void> {
  if (deploy && !options["no-follow"]) return follow(client, deploy.id, out);
  if (out.json) return out.value(deploy);
  if (!deploy) return out.line(otherwise);
  out.line(`${deploy.id} is on its way; 'teal logs --deploy ${deploy.id} -f' follows it.`);
}

function finish(deploy: Deploy | null, { json, line, paint, fail }: Output): void {
  if (deploy?.state !== "live" && deploy?.state !== "held") process.exitCode = 1;
  if (json) return;
  if (!deploy)
    return fail(
      "The app was destroyed, and its deploy with it.",
      "'teal apps:list' shows the apps.",
    );
  const took = duration((deploy.finishedAt ?? Date.now()) - deploy.createdAt);
  if (deploy.state === "live") {
    return line(paint(`${deploy.app}${became(deploy)} after ${took}`, "bold"));
  }
  if (deploy.state === "held") {
    return line(paint(`${deploy.app} v${deploy.release ?? "?"} is held after ${took}`, "bold"));
  }
  fail(
    `${deploy.id} ${ended(deploy)} after ${took}: ${deploy.error ?? "no reason is on record"}`,
    "The live colour was not touched.",
  );
}

function became({ kind, release, toRelease }: Deploy): string {
  if (release === undefined) return " is changed";
  const what = kind === "rollback" ? ` (back to v${toRelease ?? "?"})` : "";
  return ` v${release}${what} is live`;
}

function ended({ state, supersededBy }: Deploy): string {
  if (state === "failed") return "failed";
  return state === "superseded" && supersededBy
    ? `was superseded by ${supersededBy}`
    : `was ${state}`;
}

export function printLine({ kind, text }: LogLine, { line, paint, foreign }: Output): void {
  const shown = foreign(text);
  if (kind === "step") line(paint(`-----> ${shown}`, "bold"));
  else if (kind === "error") line(paint(` !     ${shown}`, "red"));
  else if (kind === "warn") line(paint(` !     ${shown}`, "yellow"));
  else line(`       ${shown}`);
}

function stateCell(state: Deploy["state"]): Cell {
  if (state === "live") return { text: state, paint: "green" };
  if (state === "failed") return { text: state, paint: "red" };
  return state === "running" ? { text: state, paint: "yellow" } : state;
}

/** `--limit`, 20 unless given. */
export function readLimit(options: Input["options"], command: string): number {
  const given = options["limit"] ?? "20";
  const limit = typeof given === "string" && /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (limit >= 1 && limit <= 200) return limit;
  throw wrongUsage(`'--limit' takes a number from 1 to 200, and '${given}' came`, {
    name: command,
  });
}
