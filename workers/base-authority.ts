import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Settings } from "../apps/config.ts";
import { TealError } from "../apps/errors.ts";

/** A bundle of certificate authorities that images of this machine must trust. */
export interface Authority {
  /** Ending of the tags of images that carry it, `ca` and 8 hex digits of its hash. */
  name: string;
  pem: string;
}

type CaSettings = Pick<Settings, "base" | "caFile">;

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

/** A bootstrapped image trusts what the machine trusts, unless the platform was given a file. */
export function bootstrapAuthority(settings: CaSettings): Promise<Authority | null> {
  return readAuthority(settings.caFile ?? "/etc/ssl/certs/ca-certificates.crt", {
    optional: settings.caFile === null,
  });
}

/** The tag endings of images that trust what is asked for; "" is an image as it came. */
export async function acceptedAuthorities(settings: CaSettings): Promise<string[]> {
  const bootstrapped = (await bootstrapAuthority(settings))?.name ?? "";
  const asItCame = settings.caFile === null && settings.base !== "bootstrap" ? [""] : [];
  return settings.base === "registry" && settings.caFile === null
    ? [""]
    : [bootstrapped, ...asItCame];
}
