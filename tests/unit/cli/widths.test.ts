import test from "ava";
import { createClient } from "../../../apps/cli/client.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { optionsOf } from "../../../apps/cli/help.ts";
import { createOutput } from "../../../apps/cli/output.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { seedAll } from "../../support/seed-all.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await seedAll(api);
});
test.after.always(() => api.stop());

/** What lists things in tables. */
const LISTING = COMMANDS.filter(
  ({ run, name, args }) =>
    run &&
    args.length === 0 &&
    /^(?:apps:list|releases|deploys|ps|config|retention|domains|certs|cron|storage|routing|checks|guard|limits|ps:handover|ps:crashes|metrics|hooks|hooks:deliveries|notifications|notifications:deliveries|keys|tokens|events|users|access|registry|build)$/.test(
      name,
    ),
);

/** The lines of its tables, on a terminal of so many columns. */
async function tablesOf(name: string, columns: number): Promise<string[]> {
  let said = "";
  const stream = { write: (text: string) => void (said += text), isTTY: true, columns };
  const out = createOutput(false, { NO_COLOR: "1" }, stream, stream);
  const lines: string[] = [];
  const table: typeof out.table = (...what) => {
    said = "";
    out.table(...what);
    lines.push(...said.trimEnd().split("\n"));
  };
  const { command, args, options } = parse([name], COMMANDS, optionsOf);
  const client = async () => createClient({ url: new URL(api.url), token: api.tokens.admin });
  await command.run?.({ args, options, app: async () => "shop", client, out: { ...out, table } });
  return lines;
}

test("every table fits terminals of 80, 60, 40 and 20 columns, and says at each which row is which", async (t) => {
  let tables = 0;
  for (const { name } of LISTING) {
    const rows = (await tablesOf(name, 1000)).slice(1);
    if (rows.length === 0) continue;
    tables++;
    for (const columns of [80, 60, 40, 20]) {
      const lines = await tablesOf(name, columns);
      t.deepEqual(
        lines.filter((line) => line.length > columns),
        [],
        `${name} at ${columns}`,
      );
      for (const row of rows) {
        const first = row.split(/ {2,}/)[0]?.slice(0, 7) ?? "";
        t.true(lines.join("\n").includes(first), `${name} at ${columns}: ${first}`);
      }
    }
  }
  t.true(tables >= 15, `${tables} tables`);
});

test("a row that does not fit is a list of all that it has, with its heads", (t) => {
  let said = "";
  const stream = { write: (text: string) => void (said += text), isTTY: true, columns: 20 };
  const out = createOutput(false, {}, stream, stream);
  const rows = [
    ["web.1", { text: "live", paint: "blue" as const }, "teal-shop-12-web-1"],
    ["web.2", "-", "x"],
  ];
  out.table(["PROCESS", "STATUS", "INSTANCE"], rows);
  t.deepEqual(said.replaceAll(/\u001b\[\d+m/g, "").split("\n"), [
    ...["PROCESS   web.1", "STATUS    live", "INSTANCE  teal-shop-", "          12-web-1", ""],
    ...["PROCESS   web.2", "STATUS    -", "INSTANCE  x", ""],
  ]);
  t.true(said.includes("\u001b[34mlive\u001b[0m"));
});
