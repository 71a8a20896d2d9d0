import { readPromoteAfter } from "../promote-after.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { wrongUsage } from "./parse.ts";

export async function restart(input: Input): Promise<void> {
  await post(input, "restart", {});
}

export async function stop(input: Input, what: "stop" | "start"): Promise<void> {
  await post(input, what, {});
}

export async function scale(input: Input): Promise<void> {
  const formation = Object.fromEntries(
    input.args.map((arg) => {
      const [, process, count] = /^([\w-]+)=(\d{1,3})$/.exec(arg) ?? [];
      if (process !== undefined) return [process, Number(count)];
      throw wrongUsage(`PROCESS=NUMBER was expected, and '${arg.slice(0, 60)}' came`, {
        name: "ps:scale",
      });
    }),
  );
  await post(input, "formation", { formation });
}

export async function promote(input: Input): Promise<void> {
  const why = input.options["why"];
  await post(input, "promote", why === undefined ? {} : { why });
}

export async function abort({ app: appOf, client, out }: Input): Promise<void> {
  const app = await appOf();
  await (await client()).post(`/apps/${encodeURIComponent(app)}/abort`);
  if (out.json) return out.value({ app, held: null });
  out.line("What was held is thrown away; the live colour was not touched.");
}

export async function hold(input: Input, on: boolean): Promise<void> {
  const { app: appOf, options, client, out } = input;
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/hold`;
  const after = options["promote-after"];
  const body = {
    hold: on,
    ...(typeof after === "string" && { promoteAfter: readPromoteAfter(after) }),
  };
  const answer = await (await client()).post<object>(path, body);
  if (out.json) return out.value(answer);
  const until = after === undefined ? "'teal promote'" : `'teal promote', or for ${String(after)}`;
  out.line(
    on
      ? `New versions of ${app} wait in the idle colour until ${until}.`
      : `New versions of ${app} go live by themselves.`,
  );
}

async function post(input: Input, what: string, body: object): Promise<void> {
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}/${what}`;
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, body);
  await followChange(input, client, deploy, `${app} has it so when a first version is pushed.`);
}
