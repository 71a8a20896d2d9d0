import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "../../apps/access.ts";
import { runCommand, type PushWorld } from "./push-world.ts";

/** In the place of the platform's command line: it shows what it was given, or waits to be ended. */
export const SHOWING_CLI = `
  let input = "";
  if (process.argv[2] === "wait") {
    console.log(JSON.stringify({ pid: process.pid, env: process.env }));
    setInterval(() => {}, 1000);
  }
  else process.stdin.on("data", (chunk) => (input += chunk)).on("end", () => {
    console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env, cwd: process.cwd(), input }));
    console.error("to standard error");
    process.exitCode = 7;
  });
`;

export type SshUser = Awaited<ReturnType<typeof createSshUser>>;

/** Somebody with an OpenSSH client and a key that the platform knows. */
export async function createSshUser(
  world: PushWorld,
  name: string,
  role: Role,
  apps: "*" | string[] = "*",
) {
  const dir = mkdtempSync(join(world.dir, "ssh-"));
  const keyFile = join(dir, "key");
  await runCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", keyFile], { cwd: dir });
  const publicKey = readFileSync(`${keyFile}.pub`, "utf8");
  const { fingerprint } = await world.access.addKey({ name, role, apps, publicKey });
  const options = [
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "StrictHostKeyChecking=no",
    "LogLevel=ERROR",
    `UserKnownHostsFile=${join(dir, "known")}`,
  ].flatMap((option) => ["-o", option]);
  const identity = ["-F", "/dev/null", "-i", keyFile, ...options];
  const line = (command: string[], flags: string[] = []) => [
    ...identity,
    ...["-p", String(world.sshPort), ...flags, "teal@127.0.0.1", ...command],
  ];
  return {
    keyFile,
    fingerprint,
    /** Arguments of `ssh` for this user. */
    line,
    ssh: (command: string[], { input = "", flags = [] as string[] } = {}) =>
      runCommand("ssh", line(command, flags), { cwd: dir, input }),
    /** Environment for git as this user. */
    env: { GIT_SSH_COMMAND: ["ssh", ...identity].join(" ") },
    remote: (app: string) => `ssh://teal@127.0.0.1:${world.sshPort}/${app}`,
  };
}
