import type { StorageOptions } from "../mounts.ts";
import { HANDOVERS, mergeRuntime, type Runtime } from "../runtime.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { readPairs } from "./dotenv.ts";
import { wrongUsage } from "./parse.ts";

/** `worker=exclusive`; nothing behind the = is the default again. Without arguments: how it is. */
export async function handOver(input: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await input.app())}/runtime`;
  const client = await input.client();
  if (input.args.length === 0) {
    const answer = await client.get<{ runtime: Runtime; live: Runtime }>(path);
    const storage = await client.get<StorageOptions>(path.replace(/runtime$/, "storage"));
    return show(input, answer, storage);
  }
  const runtime: Record<string, { handover: string | null }> = {};
  for (const [type, text] of Object.entries(readPairs(input.args, "ps:handover"))) {
    if (text !== "" && !HANDOVERS.some((one) => one === text)) {
      const expected = `TYPE=${HANDOVERS.join(", TYPE=")} was expected, and '${text}' came`;
      throw wrongUsage(expected, { name: "ps:handover" });
    }
    runtime[type] = { handover: text || null };
  }
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, { runtime });
  await followChange(input, client, deploy, "The first version that is pushed has it so.");
}

function show(
  { out }: Input,
  { runtime, live }: { runtime: Runtime; live: Runtime },
  { mounts }: StorageOptions,
): void {
  const told = Object.entries(mergeRuntime(live, runtime) ?? {}).filter(([, it]) => it.handover);
  const rows = [
    ...told.map(([type, { handover = "overlap" }]) => ({ type, handover, because: "" })),
    ...mounts
      .filter(({ exclusive }) => exclusive)
      .flatMap(({ source, processes = ["all"] }) =>
        processes.map((type) => ({ type, handover: "exclusive", because: `storage ${source}` })),
      ),
  ];
  if (out.json) return out.value(rows);
  if (rows.length === 0) return out.line("Every process type overlaps: the new one starts first.");
  out.table(
    ["PROCESS", "HANDOVER", "BECAUSE OF"],
    rows.map(({ type, handover, because }) => [type, handover, because]),
  );
}
