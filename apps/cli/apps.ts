import { bytesText } from "../amounts.ts";
import { TealError } from "../errors.ts";
import type { Usage } from "../series.ts";
import { statusOf, type AppView, type InstanceView } from "../views.ts";
import type { Input } from "./command.ts";
import { ago, colourCell, type Cell } from "./output.ts";
import { openInBrowser } from "./open.ts";
import { wrongUsage } from "./parse.ts";

export async function listApps({ client, out }: Input): Promise<void> {
  const api = await client();
  const apps: AppView[] = [];
  for (let after: string | null = ""; after !== null;) {
    const from: string = after && `?after=${encodeURIComponent(after)}`;
    const page = await api.get<{ apps: AppView[]; next: string | null }>(`/apps${from}`);
    apps.push(...page.apps);
    after = page.next;
  }
  if (out.json) return out.value(apps);
  if (apps.length === 0) return out.line("No apps yet: 'teal apps:create NAME', or push one.");
  const rows = apps.map((app): Cell[] => [
    app.name,
    slotCell(app.live),
    slotCell(app.standby),
    app.lastDeploy ? `${app.lastDeploy.state} ${ago(app.lastDeploy.createdAt)}` : "-",
    app.url,
  ]);
  out.table(["APP", "LIVE", "STANDBY", "LAST DEPLOY", "ADDRESS"], rows);
}

export async function createApp({ args, client, out }: Input): Promise<void> {
  const app = await (await client()).post<AppView>("/apps", { name: args[0] });
  if (out.json) return out.value(app);
  out.line(`${app.name} is there; it will answer at ${app.url}`);
}

export async function showApp({ app: appOf, client, out }: Input): Promise<void> {
  const app = await (await client()).get<AppView>(`/apps/${encodeURIComponent(await appOf())}`);
  if (out.json) return out.value(app);
  const crashes = `/apps/${encodeURIComponent(app.name)}/ps`;
  const { instances } = await (await client()).get<{ instances: InstanceView[] }>(crashes);
  const looping = instances.filter((one) => one.looping);
  const last = app.lastDeploy;
  const rows: [string, Cell][] = [
    ["app", app.name],
    ["address", app.url],
    ["state", app.stopped ? "stopped: 'teal ps:start' starts it" : app.state],
    ...looping.map(({ process, index, lastCrash }): [string, Cell] => [
      "crash loop",
      { text: lastCrash ?? `${process}.${index}`, paint: "red" },
    ]),
    ["live", slotCell(app.live)],
    ["standby", slotCell(app.standby)],
    ...(app.held ? [["held", slotCell(app.held)] satisfies [string, Cell]] : []),
    ...(app.held?.promoteAt
      ? [["promoted", byItself(app.held.promoteAt)] satisfies [string, Cell]]
      : []),
    ...(app.idleUrl ? [["idle address", app.idleUrl] satisfies [string, Cell]] : []),
    ...(app.hold ? [["hold", "new versions wait to be promoted"] satisfies [string, Cell]] : []),
    ...(app.domains.length > 0
      ? [["domains", app.domains.join(" ")] satisfies [string, Cell]]
      : []),
    ["last deploy", last ? `${last.id} ${last.state}, ${ago(last.createdAt)} by ${last.by}` : "-"],
    ["created", `${ago(app.createdAt)} by ${app.createdBy}`],
  ];
  out.facts(rows);
}

/** Prints the address alone, so that it can be given to other commands. */
export async function openApp({ app: appOf, options, client, out }: Input): Promise<void> {
  const app = await (await client()).get<AppView>(`/apps/${encodeURIComponent(await appOf())}`);
  const url = options["idle"] ? app.idleUrl : app.url;
  if (url === null) throw new TealError("nothing-idle", { name: app.name });
  const opened = await openInBrowser(url, process.env);
  if (out.json) return out.value({ url, opened });
  out.line(url);
}

export async function destroyApp({ app: appOf, options, client, out }: Input): Promise<void> {
  const app = await appOf();
  const confirm = options["confirm"];
  if (confirm === undefined) {
    throw wrongUsage(`Destroying ${app} cannot be undone: '--confirm ${app}' was expected`, {
      name: "apps:destroy",
    });
  }
  const path = `/apps/${encodeURIComponent(app)}`;
  const gone = await (
    await client()
  ).delete<{ name: string }>(path, {
    confirm,
    volumes: options["volumes"] === true,
  });
  if (out.json) return out.value(gone);
  out.line(`${gone.name} no longer answers; what it left is being removed.`);
}

type Used = InstanceView & { usage?: Usage };

export async function listInstances({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/ps`;
  const { instances } = await (await client()).get<{ instances: Used[] }>(path);
  if (out.json) return out.value(instances);
  if (instances.length === 0) return out.line("Nothing runs.");
  const rows = instances.map((one): Cell[] => [
    `${one.process}.${one.index}`,
    colourCell(one.colour),
    `v${one.as}`,
    one.looping
      ? { text: "crash loop", paint: "red" }
      : one.serves === "live" && !one.rests
        ? { text: "live", paint: "bold" }
        : statusOf(one),
    cpuText(one.usage),
    memoryText(one.usage),
    one.host ? `${one.host}:${one.port ?? ""}` : "-",
    one.crashes > 0 ? `${one.crashes}: ${one.lastCrash ?? ""}` : "-",
    one.id,
  ]);
  const used = ["CPU", "MEMORY"];
  const heads = ["PROCESS", "COLOUR", "RELEASE", "STATUS", ...used];
  out.table([...heads, "ADDRESS", "CRASHES", "INSTANCE"], rows, 7);
}

function cpuText(usage: Usage | undefined): string {
  if (!usage) return "-";
  const cpu = `${Math.round(usage.cpu * 100)}%`;
  return usage.cpus === undefined ? cpu : `${cpu} of ${Math.round(usage.cpus * 100)}%`;
}

function memoryText(usage: Usage | undefined): string {
  if (!usage) return "-";
  const memory = bytesText(usage.memory);
  return usage.limit === 0 ? memory : `${memory} of ${bytesText(usage.limit)}`;
}

function byItself(at: number): string {
  return `by itself in ${Math.max(0, Math.ceil((at - Date.now()) / 1000))} s`;
}

function slotCell(slot: AppView["live"]): Cell {
  return slot ? { text: `${slot.colour} v${slot.release}`, paint: slot.colour } : "-";
}
