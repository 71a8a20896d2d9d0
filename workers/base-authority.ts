import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { TealError } from "../apps/errors.ts";

/** A bundle of certificate authorities that images of this machine must trust. */
export interface Authority {
  /** Ending of the tags of images that carry it, `ca` and 8 hex digits of its hash. */
  name: string;
  pem: string;
}

/** Null when no file is given, or when an optional one is not there. @throws TealError build-failed */
export async function readAuthority(
  file: string | null,
  { optional = false } = {},
): Promise<Authority | null> {
  if (file === null) return null;
  try {
    const pem = await readFile(file, "utf8");
    return { name: `ca${createHash("sha256").update(pem).digest("hex").slice(0, 8)}`, pem };
  } catch (error) {
    if (optional) return null;
    const detail = `TEAL_CA_FILE was expected to name a file of certificates; ${file} cannot be read (${(error as Error).message})`;
    throw new TealError("build-failed", { detail }, { cause: error });
  }
}
