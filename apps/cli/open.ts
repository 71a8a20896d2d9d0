import { spawn } from "node:child_process";

const PASSED = ["PATH", "HOME", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY"];

/** Opens an address in a browser, where there is one to be seen; false where there is none. */
export async function openInBrowser(url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const isMac = process.platform === "darwin";
  const hasScreen = isMac || Boolean(env["DISPLAY"] || env["WAYLAND_DISPLAY"]);
  if (!hasScreen || env["TEAL_OVER_SSH"] || !/^https?:\/\//.test(url)) return false;
  const passed = PASSED.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  const child = spawn(isMac ? "open" : "xdg-open", [url], {
    env: Object.fromEntries(passed) as NodeJS.ProcessEnv,
    stdio: "ignore",
    detached: true,
  });
  return new Promise((resolve) => {
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
    child.once("error", () => resolve(false));
  });
}
