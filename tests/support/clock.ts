import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TRIPLES: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};

/**
 * A clock of their own for the processes that get `env`: the time of day is off by what `set`
 * says, from one call to the next. What measures time, not the day, goes on as it does.
 */
export function createClock() {
  const dir = mkdtempSync(join(tmpdir(), "teal-clock-"));
  const file = join(dir, "offset");
  const triple = TRIPLES[process.arch] ?? "";
  const library = `/usr/lib/${triple}/faketime/libfaketime.so.1`;
  if (!existsSync(library)) throw new Error(`${library} was expected (Debian: faketime)`);

  function set(seconds: number): void {
    writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}`);
    renameSync(`${file}.new`, file);
  }

  set(0);
  return {
    set,
    env: {
      // Redis has an allocator that asks for the time before the library is ready: the libc's does not.
      LD_PRELOAD: `${library}:/lib/${triple}/libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
