import { spawn } from "node:child_process";
import { appendFile, chown, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TealError } from "../apps/errors.ts";
import type { Authority } from "./base-authority.ts";
import { runChild } from "./base-child.ts";
import type { BaseWork } from "./bases.ts";

export const DEBIAN_TAG = "teal/base/debian:bookworm";
const SUITE = "bookworm";
const PACKAGES = "ca-certificates,libstdc++6,tini";
const APP_UID = 10001;
/** Big, and of no use in a container. */
const SURPLUS = [
  "var/cache/apt",
  "var/lib/apt/lists",
  "usr/share/doc",
  "usr/share/man",
  "usr/share/info",
  "usr/share/locale",
  "var/log",
];

/** The Debian image that runtimes are put on; made when it is not here. Give its tag. */
export async function ensureDebian(authority: Authority | null, work: BaseWork): Promise<string> {
  const tag = authority ? `${DEBIAN_TAG}-${authority.name}` : `${DEBIAN_TAG}-plain`;
  if (!(await work.images.inspect(tag))) await bootstrap(tag, authority, work);
  await work.images.tag(tag, DEBIAN_TAG);
  return tag;
}

async function bootstrap(tag: string, authority: Authority | null, work: BaseWork): Promise<void> {
  if (process.getuid?.() !== 0)
    throw cannot("it is made with debootstrap, which only root may run");
  await mkdir(work.work, { recursive: true });
  const scratch = await mkdtemp(join(work.work, "base-"));
  const root = join(scratch, "root");
  try {
    await debootstrap(root, work);
    await slim(root);
    await addAppUser(root);
    if (authority) await writeFile(join(root, "etc/ssl/certs/ca-certificates.crt"), authority.pem);
    work.say("Importing the Debian base");
    await importRoot(root, tag, work);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function debootstrap(root: string, work: BaseWork): Promise<void> {
  work.say(
    `Making a base image from Debian's packages (${SUITE}); this takes about a minute, once per machine`,
  );
  let saidAt = Date.now();
  const onLine = (line: string): void => {
    if (Date.now() - saidAt < 5000) return;
    saidAt = Date.now();
    work.say(`  ${line.replace(/^I: /, "")}`);
  };
  const args = ["--variant=minbase", `--include=${PACKAGES}`, SUITE, root];
  try {
    await runChild("debootstrap", args, {
      cwd: work.work,
      env: work.env,
      signal: work.signal,
      onLine,
    });
  } catch (error) {
    work.signal.throwIfAborted();
    throw cannot((error as Error).message, error);
  }
}

function cannot(reason: string, cause?: unknown): TealError {
  const detail = `no base image could be had: ${reason}. Make an image registry reachable, or run the platform as root on Debian or Ubuntu with debootstrap ('apt-get install debootstrap debian-archive-keyring')`;
  return new TealError("build-failed", { detail }, { cause });
}

async function slim(root: string): Promise<void> {
  for (const folder of SURPLUS) {
    const inside = await readdir(join(root, folder)).catch(() => []);
    for (const name of inside) await rm(join(root, folder, name), { recursive: true, force: true });
  }
}

/** Apps run as this user, who owns nothing but /app. */
async function addAppUser(root: string): Promise<void> {
  await appendFile(
    join(root, "etc/passwd"),
    `app:x:${APP_UID}:${APP_UID}::/app:/usr/sbin/nologin\n`,
  );
  await appendFile(join(root, "etc/group"), `app:x:${APP_UID}:\n`);
  await appendFile(join(root, "etc/shadow"), "app:*:19000:0:99999:7:::\n");
  await mkdir(join(root, "app"));
  await chown(join(root, "app"), APP_UID, APP_UID);
}

async function importRoot(root: string, tag: string, work: BaseWork): Promise<void> {
  const args = [
    "--numeric-owner",
    "-C",
    root,
    "--exclude=./dev/*",
    "--exclude=./proc/*",
    "--exclude=./sys/*",
    "-cf",
    "-",
    ".",
  ];
  const tar = spawn("tar", args, {
    env: work.env,
    stdio: ["ignore", "pipe", "ignore"],
    signal: work.signal,
  });
  const ended = new Promise<void>((resolve, reject) => {
    tar.on("error", reject);
    tar.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`tar ended with status ${code}`)),
    );
  });
  const changes = [
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'CMD ["/bin/sh"]',
    `LABEL teal.base=${SUITE}`,
  ];
  await Promise.all([work.images.importTar(tar.stdout, tag, changes, work.signal), ended]);
}
