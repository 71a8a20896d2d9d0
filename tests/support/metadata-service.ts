import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { until } from "./platform.ts";

export const METADATA = "169.254.169.254";
const SERVER = `
import { createServer } from "node:http";
for (const port of [80, 53]) createServer((req, res) => res.end("the machine's secrets")).listen(port, "0.0.0.0");
`;

/**
 * A cloud's metadata service on this machine: at its address, behind a pair of interfaces, in a
 * network namespace that is made for it. Another test's is waited for: the address is one.
 */
export async function startMetadataService() {
  const name = `tealmd${process.pid}`;
  const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });
  const inside = (...args: string[]) => ip("-n", name, ...args);
  let server: ChildProcess | null = null;

  function stop(): void {
    server?.kill("SIGKILL");
    // Its end of the pair goes with it, and so does the other with its route.
    ip("netns", "del", name);
  }

  ip("netns", "add", name);
  try {
    ip("link", "add", name, "type", "veth", "peer", "name", "in", "netns", name);
    ip("addr", "add", "198.18.254.1/30", "dev", name);
    ip("link", "set", name, "up");
    inside("addr", "add", "198.18.254.2/30", "dev", "in");
    inside("addr", "add", `${METADATA}/32`, "dev", "in");
    inside("link", "set", "in", "up");
    inside("link", "set", "lo", "up");
    inside("route", "add", "default", "via", "198.18.254.1");
    await until(60_000, async () => {
      ip("route", "add", METADATA, "via", "198.18.254.2", "dev", name);
      return true;
    });
    const node = [process.execPath, "--input-type=module", "-e", SERVER];
    server = spawn("ip", ["netns", "exec", name, ...node], { stdio: "ignore" });
    await until(10_000, async () => (await fetch(`http://${METADATA}/`)).ok);
  } catch (error) {
    stop();
    throw error;
  }
  return { stop };
}
