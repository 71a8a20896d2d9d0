import { readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { BuildOptions } from "../apps/build-options.ts";
import { TealError } from "../apps/errors.ts";

/** Where in a checked-out repository the app lies. */
export interface Place {
  /** The app's own folder, absolute. */
  root: string;
  /** What a Dockerfile's COPY sees, absolute. */
  context: string;
  /** The Dockerfile, from `root`, when one was named. */
  dockerfile?: string;
}

/** @throws build-failed when the options name what is not there, or leads out of the repository */
export async function placeOf(dir: string, options: BuildOptions): Promise<Place> {
  const { root, context, dockerfile } = options;
  const top = await realpath(dir);
  const own = root === undefined ? top : await folder(top, "root", root);
  return {
    root: own,
    context: context === undefined ? own : await folder(top, "context", context),
    ...(dockerfile === undefined ? {} : { dockerfile: await file(top, own, dockerfile) }),
  };
}

async function folder(top: string, name: string, path: string): Promise<string> {
  const real = await realpath(join(top, path)).catch(() => null);
  if (real === null || !(await stat(real)).isDirectory()) {
    const names = (await readdir(top, { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== ".git")
      .map((entry) => entry.name);
    const there = names.length > 0 ? names.slice(0, 10).join(", ") : "none";
    throw failed(
      `${name}=${path}: a folder of the repository was expected, and there is no such one (at its top: ${there})`,
    );
  }
  return inside(top, real, `${name}=${path}`);
}

async function file(top: string, root: string, path: string): Promise<string> {
  const said = `dockerfile=${path}`;
  const real = await realpath(join(root, path)).catch(() => null);
  if (real === null || !(await stat(real)).isFile())
    throw failed(
      `${said}: a file was expected, and there is none at ${relative(top, join(root, path))}`,
    );
  inside(top, real, said);
  return path;
}

function inside(top: string, real: string, said: string): string {
  if (real === top || real.startsWith(top + sep)) return real;
  throw failed(
    `${said}: a path within the repository was expected, and this is a link that leads out of it`,
  );
}

function failed(detail: string): TealError {
  return new TealError("build-failed", { detail });
}
