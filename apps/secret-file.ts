import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * The text of a secret kept in `file`; `make` gives it on first use. The file is 0600 and appears
 * complete or not at all, and of several processes that make it at once all get the same text.
 */
export async function keepSecret(file: string, make: () => string): Promise<string> {
  const present = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (present !== null) return present;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  const handle = await open(fresh, "wx", 0o600);
  try {
    await handle.writeFile(make());
    await handle.sync();
    await link(fresh, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await handle.close();
    await rm(fresh, { force: true });
  }
  return readFile(file, "utf8");
}
