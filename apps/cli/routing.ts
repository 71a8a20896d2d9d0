import type { Routing } from "../routing.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { readPairs } from "./dotenv.ts";
import { readGiven } from "./given-file.ts";
import { wrongUsage } from "./parse.ts";
import { readKnob, showKnob, knobNamed, KNOBS } from "./routing-knobs.ts";

/** In bytes; the platform keeps fewer and says so. */
const FILE_LIMIT = 512 * 1024;

interface Answer {
  routing: Routing;
  pages: Record<string, number>;
}

export async function showRouting({ app, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await app())}/routing`;
  const answer = await (await client()).get<Answer>(path);
  if (out.json) return out.value(answer);
  const { routing, pages } = answer;
  out.facts([
    ["maintenance", routing.maintenance ? { text: "on", paint: "yellow" } : "off"],
    ...KNOBS.map((knob): [string, string] => [knob.name, showKnob(knob, routing[knob.field])]),
    ...Object.entries(pages).map(([page, bytes]): [string, string] => [
      `page ${page}`,
      `${bytes} bytes`,
    ]),
  ]);
}

export async function setRouting(input: Input): Promise<void> {
  const pairs = Object.entries(readPairs(input.args, "routing:set"));
  const fields = pairs.map(([name, text]) => {
    const knob = knobNamed(name, "routing:set");
    return [knob.field, readKnob(knob, text)];
  });
  await post(input, "routing", Object.fromEntries(fields));
}

export async function unsetRouting(input: Input): Promise<void> {
  const fields = input.args.map((name) => [knobNamed(name, "routing:unset").field, null]);
  await post(input, "routing", Object.fromEntries(fields));
}

export async function maintenance(input: Input, on: boolean): Promise<void> {
  const file = input.options["page"];
  const page = typeof file === "string" ? await readPage(file, "maintenance:on") : undefined;
  await post(input, "maintenance", { on, ...(page !== undefined && { page }) });
}

export async function setPage(input: Input): Promise<void> {
  const [page = "", file = ""] = input.args;
  const html = await readPage(file, "pages:set");
  await post(input, `pages/${encodeURIComponent(page)}`, { html });
}

export async function unsetPage(input: Input): Promise<void> {
  const app = await input.app();
  const client = await input.client();
  const page = encodeURIComponent(input.args[0] ?? "");
  const path = `/apps/${encodeURIComponent(app)}/pages/${page}`;
  const { deploy } = await client.delete<{ deploy: Deploy | null }>(path);
  await followChange(input, client, deploy, kept(app));
}

async function readPage(file: string, command: string): Promise<string> {
  const html = await readGiven(file, { limit: FILE_LIMIT, what: "an HTML page", command });
  if (html.trim() !== "") return html;
  throw wrongUsage("An HTML page was expected, and nothing came", { name: command });
}

async function post(input: Input, what: string, body: object): Promise<void> {
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}/${what}`;
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, body);
  await followChange(input, client, deploy, kept(app));
}

function kept(app: string): string {
  return `${app} has it so when a first version is pushed.`;
}
