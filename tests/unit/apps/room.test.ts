import { tmpdir } from "node:os";
import test from "ava";
import { checkMemory, checkRoom } from "../../../apps/room.ts";

test("with room enough nothing is refused", async (t) => {
  await t.notThrowsAsync(checkRoom([tmpdir(), "/"], { disk: 1, memory: 1 }));
});

test("too little disk or memory is refused, saying how much there is and what may go", async (t) => {
  const most = Number.MAX_SAFE_INTEGER;
  const disk = await t.throwsAsync(checkRoom([tmpdir()], { disk: most, memory: 1 }), {
    code: "disk-full",
  });
  t.regex(disk.message, /needs \d+ MiB of free disk.*and \d+ MiB are free.*teal gc --dry-run/);
  const memory = await t.throwsAsync(checkMemory(most), { code: "memory-low" });
  t.regex(memory.message, /needs \d+ MiB of free memory.*and \d+ MiB are free/);
});
