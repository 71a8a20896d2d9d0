import type Docker from "dockerode";

/**
 * Sends a signal to a further process in a container, and to what it has started. The engine has no
 * way to; on this machine it is a process like any other, and the first of its group.
 * @throws Error when it has just ended
 */
export async function signalExec(exec: Docker.Exec, name: NodeJS.Signals): Promise<void> {
  const { Running, Pid } = await exec.inspect();
  if (Running && Pid > 1) process.kill(-Pid, name);
}
