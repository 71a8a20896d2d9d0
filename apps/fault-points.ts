import { readFileSync, rmSync } from "node:fs";

/**
 * Fault injection for tests: when `TEAL_TEST_FAULT_FILE` names a file that holds the name of a
 * step, the process kills itself with SIGKILL on reaching that step, once. Unset, it does nothing.
 */
export function createFaultPoints(env: NodeJS.ProcessEnv): (step: string) => void {
  const file = env["TEAL_TEST_FAULT_FILE"];
  if (!file) return () => {};
  return (step) => {
    let wanted: string;
    try {
      wanted = readFileSync(file, "utf8").trim();
    } catch {
      return;
    }
    if (wanted !== step) return;
    rmSync(file, { force: true });
    process.kill(process.pid, "SIGKILL");
  };
}
