import { readFile, writeFile } from "node:fs/promises";

const MIGRATE = "/proc/sys/net/ipv4/tcp_migrate_req";

/**
 * Lets the kernel give connections that a closing process has not accepted yet to the others on its
 * port (Linux 5.14); they would be reset otherwise. Needs root; false when it could not be set.
 */
export async function migrateConnections(): Promise<boolean> {
  try {
    if ((await readFile(MIGRATE, "latin1")).trim() !== "1") await writeFile(MIGRATE, "1");
    return true;
  } catch {
    return false;
  }
}
