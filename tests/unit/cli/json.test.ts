import test from "ava";
import { createClient } from "../../../apps/cli/client.ts";
import type { Command } from "../../../apps/cli/command.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { optionsOf } from "../../../apps/cli/help.ts";
import { createOutput } from "../../../apps/cli/output.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  for (const commit of ["aaa", "bbb"])
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", commit)));
  await api.access.users.add({ name: "ann", role: "member", by: "ann" });
  process.env["TEAL_URL"] = api.url;
  process.env["TEAL_TOKEN"] = api.tokens.admin;
});
test.after.always(() => api.stop());

/** They end the world, ask for a secret, build here, or need a worker as all that run something in an app. */
const ELSEWHERE: readonly string[] = [
  "apps:destroy",
  "login",
  "logout",
  "contexts:remove",
  "run",
  "enter",
  "build",
  "registry:login",
  "gc",
];

/** The command's own example, not to wait for a worker that is not there. */
function argvOf(command: Command): string[] {
  const words = command.example
    .replace(/ [<>] .*$/, "")
    .split(" ")
    .slice(1);
  const has = (name: string) => name in optionsOf(command);
  const kept = words.filter((word) => word !== "-f" && word !== "--follow");
  return ["--json", ...kept, ...(has("no-follow") && !command.rest ? ["--no-follow"] : [])];
}

test.serial(
  "every command prints JSON and nothing else with --json, or its error as JSON",
  async (t) => {
    const commands = COMMANDS.filter(
      (one) => one.run && !one.rest && !ELSEWHERE.includes(one.name),
    );
    t.true(commands.length > 60);
    let done = 0;
    for (const command of commands) {
      const { args, options } = parse(argvOf(command), COMMANDS, optionsOf);
      const said: string[] = [];
      const out = createOutput(true, {}, { write: (text) => void said.push(text) }, { write() {} });
      const client = async () => createClient({ url: new URL(api.url), token: api.tokens.admin });
      const input = { args, options, app: async () => "shop", client, out };
      const failed = await Promise.race([
        command.run!(input).then(
          () => null,
          (error: Error) => error,
        ),
        new Promise<Error>((resolve) => setTimeout(() => resolve(new Error("no end")), 8000)),
      ]);
      t.not(failed?.message, "no end", command.name);
      // What a command finds bad is no failure of this test.
      process.exitCode = 0;
      for (const line of said
        .join("")
        .trim()
        .split(/\n(?=[{["\d])/)) {
        if (line !== "")
          t.notThrows(
            () => JSON.parse(said.join("")) ?? JSON.parse(line),
            `${command.name}: ${line}`,
          );
      }
      if (failed === null) {
        // Logs are an object a line, and there are none.
        t.true(said.length > 0 || command.name === "logs", `${command.name} says nothing`);
        done++;
      }
    }
    t.true(done >= 40, `${done} were done`);
  },
);
