import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createDisk, loadNewestTable, type SavedTable } from "../../../router/disk.ts";
import { routeTo } from "../../support/router-rig.ts";

async function folder(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "teal-tables-"));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const table = (version: number): SavedTable => ({
  routes: [routeTo([3000], { version })],
  gone: { old: 4 },
  seq: version,
});

test("A table that was saved is read again", async (t) => {
  const dir = join(await folder(t), "made");
  const disk = createDisk({
    folder: dir,
    name: "router-1",
    read: () => table(3),
    failed: (error) => t.fail(error.message),
  });
  for (let i = 0; i < 50; i++) disk.save();
  await disk.flush();
  t.deepEqual(await loadNewestTable(dir), table(3));
  t.deepEqual(await readdir(dir), ["router-1.json"]);
});

test("A table of before there were policies is read, and one whose policy is none is not", async (t) => {
  const dir = await folder(t);
  const put = (policy: unknown) =>
    writeFile(
      join(dir, "router-1.json"),
      JSON.stringify({ ...table(1), routes: [{ ...routeTo([3000]), policy }] }),
    );
  await put(undefined);
  t.false("policy" in ((await loadNewestTable(dir))?.routes[0] ?? {}));
  const policy = { maintenance: {}, maxBodyBytes: 5, ofTomorrow: 1 };
  await put(policy);
  t.deepEqual((await loadNewestTable(dir))?.routes[0]?.policy as unknown, policy);
  for (const wrong of [
    1,
    null,
    { maxBodyBytes: "5" },
    { maintenance: { page: 1 } },
    { holdMs: -1 },
  ]) {
    await put(wrong);
    t.is(await loadNewestTable(dir), null, JSON.stringify(wrong));
  }
});

test("The last state before a flush is what is written", async (t) => {
  const dir = await folder(t);
  let version = 1;
  const disk = createDisk({
    folder: dir,
    name: "router-1",
    read: () => table(version),
    failed: (error) => t.fail(error.message),
  });
  for (; version < 20; version++) {
    disk.save();
    await new Promise(setImmediate);
  }
  disk.save();
  await disk.flush();
  t.is((await loadNewestTable(dir))?.seq, 20);
});

test("The newest table that can be read counts, whichever router wrote it", async (t) => {
  const dir = await folder(t);
  const put = async (name: string, text: string, at: number) => {
    await writeFile(join(dir, name), text);
    await utimes(join(dir, name), at, at);
  };
  t.is(await loadNewestTable(dir), null);
  await put("router-1.json", JSON.stringify(table(1)), 100);
  await put("router-2.json", JSON.stringify(table(2)), 200);
  await put("router-3.json", '{"routes": [{"app"', 300);
  await put("router-4.json", JSON.stringify({ ...table(4), routes: [{ app: "x" }] }), 400);
  await put("router-5.json", "null", 500);
  await put("router-6.json.12.tmp", JSON.stringify(table(6)), 600);
  t.is((await loadNewestTable(dir))?.seq, 2);
  t.is(await loadNewestTable(join(dir, "nowhere")), null);
});

test("A disk that cannot be written is reported once, and tried again", async (t) => {
  const dir = await folder(t);
  const file = join(dir, "taken");
  await writeFile(file, "");
  let failures = 0;
  const disk = createDisk({
    folder: file,
    name: "router-1",
    read: () => table(1),
    failed: () => failures++,
  });
  for (let i = 0; i < 3; i++) {
    disk.save();
    await disk.flush();
  }
  t.is(failures, 1);
  await rm(file);
  disk.save();
  await disk.flush();
  t.truthy(await loadNewestTable(file));
});
