import { readFile, rm, writeFile } from "node:fs/promises";
import { run } from "./child.ts";
import { PlatformError } from "./failure.ts";
import { indent } from "./packages.ts";
import { REDIS_SERVICE } from "./services.ts";
import { quote } from "./service-files.ts";
import { STOP_SECONDS } from "./supervisor.ts";

/** Name of the platform's unit; platforms beside the first one have a namespace in it. */
export function unitName(namespace: string): string {
  return namespace === "teal" ? "teal.service" : `teal-${namespace}.service`;
}

/** Text of a unit that runs the platform's runsvdir, from boot on. */
export function unitText({ serviceDir, path }: { serviceDir: string; path: string }): string {
  const sv = (command: string, which: string): string =>
    `ExecStop=-/bin/sh -c ${word(`cd ${quote(serviceDir)} && sv -w ${STOP_SECONDS} ${command} ${which}`)}`;
  return `[Unit]
Description=Teal, blue/green deployments
After=network-online.target docker.service
Wants=network-online.target docker.service

[Service]
Environment=${word(`PATH=${path}`)}
ExecStart=/usr/bin/runsvdir -P ${word(serviceDir)}
${sv("force-stop", `$(ls -d "$PWD"/* | grep -v "/${REDIS_SERVICE}$")`)}
ExecStop=-/bin/kill -HUP $MAINPID
${sv("force-shutdown", '"$PWD"/*')}
SuccessExitStatus=111
TimeoutStopSec=${3 * STOP_SECONDS}
Restart=always
RestartSec=1
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a unit file: `%` and `$` stand for themselves. */
function word(text: string): string {
  const plain = text
    .replaceAll("\\", String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$");
  return `"${plain}"`;
}

/**
 * Writes the unit and starts it, now and at each boot.
 * @throws PlatformError when systemd refuses
 */
export async function startUnit(
  name: string,
  text: string,
  env: Record<string, string>,
): Promise<void> {
  const file = `/etc/systemd/system/${name}`;
  if ((await readFile(file, "utf8").catch(() => "")) !== text) {
    await writeFile(file, text, { mode: 0o644 });
    await run("systemctl", ["daemon-reload"], { env });
  }
  const { code, tail } = await run("systemctl", ["enable", "--now", name], { env });
  if (code !== 0) throw new PlatformError(`systemd did not start ${name}:\n${indent(tail)}`);
}

/** Stops the unit and takes it away, if there is one. */
export async function stopUnit(name: string, env: Record<string, string>): Promise<void> {
  const { code } = await run("systemctl", ["cat", name], { env });
  if (code !== 0) return;
  await run("systemctl", ["disable", "--now", name], { env });
  await rm(`/etc/systemd/system/${name}`, { force: true });
  await run("systemctl", ["daemon-reload"], { env });
}
