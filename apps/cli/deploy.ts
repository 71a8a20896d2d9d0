import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { pack } from "tar-fs";
import { readIgnoreFile } from "../ignore-file.ts";
import { readPromoteAfter } from "../promote-after.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { wrongUsage } from "./parse.ts";

const COMMAND = { name: "deploy" };
/** What no build wants, and a working copy often has. */
const NEVER = [".git", "node_modules"];

/** Deploys without a push: a folder, an archive, an image, or what was pushed. */
export async function deploy(input: Input): Promise<void> {
  const { args, options } = input;
  const [what] = args;
  const { image, ref, "promote-after": after } = options;
  if ([what, image, ref].filter((one) => one !== undefined).length > 1)
    throw wrongUsage("A folder or archive, --image or --ref was expected, and more came", COMMAND);
  const app = await input.app();
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(app)}`;
  const why = typeof options["why"] === "string" ? options["why"] : undefined;
  const source = what === undefined ? null : await open(what);
  const found = source
    ? await client.upload<{ commit: string }>(
        `${path}/archives?strip=${source.strip}`,
        source.stream,
      )
    : {};
  const body = {
    ...found,
    ...(source === null && what !== undefined && { ref: what }),
    ...(image !== undefined && { image }),
    ...(ref !== undefined && (/^[0-9a-f]{40}$/.test(String(ref)) ? { commit: ref } : { ref })),
    ...(options["hold"] === true && { hold: true }),
    ...(typeof after === "string" && { promoteAfter: readPromoteAfter(after) }),
    ...(options["irreversible"] === true && { irreversible: true }),
    ...(options["no-cache"] === true && { fresh: true }),
    ...(options["verbose"] === true && { verbose: true }),
    ...((why ?? source?.name) !== undefined && { why: why ?? source?.name }),
  };
  const { deploy: made } = await client.post<{ deploy: Deploy }>(`${path}/deploys`, body);
  await followChange(input, client, made, "");
}

interface Source {
  stream: Readable;
  strip: "auto" | "no";
  name: string;
}

/** Null for what is no folder or archive here: the name of a branch. @throws TealError wrong-usage */
async function open(what: string): Promise<Source | null> {
  if (what === "-") return { stream: process.stdin, strip: "auto", name: "an archive" };
  // Over SSH the files here are the platform's, not the caller's.
  const found = process.env["TEAL_OVER_SSH"] ? null : await stat(what).catch(() => null);
  if (found?.isDirectory())
    return { stream: await archive(resolve(what)), strip: "no", name: what };
  if (found?.isFile()) return { stream: createReadStream(what), strip: "auto", name: what };
  if (/^[./]|\.(tar|tgz|gz)$/.test(what)) {
    throw wrongUsage(
      `A folder, an archive or a branch was expected, and there is no ${what}`,
      COMMAND,
    );
  }
  return null;
}

/** The folder without what its .dockerignore names: the same folder gives the same archive. @throws bad-ignore-file */
async function archive(dir: string): Promise<Readable> {
  const text = await readFile(join(dir, ".dockerignore"), "utf8").catch(() => "");
  const { ignores, hasExceptions } = readIgnoreFile(text);
  const inside = (path: string) => path.slice(dir.length).replace(/^\/+/, "");
  const tar = pack(dir, {
    ignore(path) {
      const name = inside(path);
      if (name === "") return false;
      if (name.split("/").some((part) => NEVER.includes(part))) return true;
      // A folder that is named may hold an exception.
      return !hasExceptions && ignores(name);
    },
  });
  const gzip = createGzip({ level: 1 });
  tar.on("error", (error: Error) => gzip.destroy(error));
  return tar.pipe(gzip);
}
