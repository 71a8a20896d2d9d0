import type { PlacedLine } from "../app-logs.ts";
import type { Input } from "./command.ts";
import { readNumber, showDeployLog } from "./deploy-log.ts";
import type { Output } from "./output.ts";

/** The app's own log, or with `--deploy` that of a deploy. */
export async function showLog(input: Input): Promise<void> {
  const { app: appOf, options, client, out } = input;
  if (options["deploy"] !== undefined) return showDeployLog(input);
  const path = `/apps/${encodeURIComponent(await appOf())}/logs?${queryOf(options).toString()}`;
  const api = await client();
  const print = out.json ? (line: PlacedLine) => out.line(JSON.stringify(line)) : printer(out);
  if (options["follow"]) {
    for await (const { data } of api.events(`${path}&follow=1`)) print(data as PlacedLine);
    return;
  }
  const { lines } = await api.get<{ lines: PlacedLine[] }>(path);
  lines.forEach(print);
  if (lines.length === 0) out.note("No line matches. The log of a deploy: teal logs --deploy ID");
}

function queryOf(options: Input["options"]): URLSearchParams {
  const query = new URLSearchParams();
  query.set("limit", String(readNumber(options)));
  for (const name of ["ps", "since", "grep", "source"]) {
    const value = options[name];
    if (typeof value === "string") query.set(name, value);
  }
  const release = options["release"];
  if (typeof release === "string") query.set("release", release.replace(/^v/, ""));
  return query;
}

/** `2026-01-02T03:04:05.678Z web.1[green]: what it said` */
function printer({ line, paint, foreign }: Output): (one: PlacedLine) => void {
  return ({ t, from, colour, text }) => {
    const when = paint(new Date(t).toISOString(), "grey");
    const who = `${from}${colour ? `[${colour}]` : ""}:`;
    line(`${when} ${paint(who, colour ?? "yellow")} ${foreign(text)}`);
  };
}
