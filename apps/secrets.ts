import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { TealError } from "./errors.ts";
import { keepSecret } from "./secret-file.ts";
import type { Release } from "./types.ts";

/** Config values at rest: AES-256-GCM under the platform's key, bound to the app and the name they are of. */
export interface Secrets {
  seal(app: string, name: string, value: string): string;
  /** @throws secret-unreadable when it was sealed with another key, or for another app or name */
  open(app: string, name: string, sealed: string): string;
}

const VERSION = "v1.";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The platform's key, made on first use (0600); every process that seals or opens has the same. */
export async function loadSecrets(file: string): Promise<Secrets> {
  const text = await keepSecret(file, () => `${randomBytes(32).toString("hex")}\n`);
  return createSecrets(Buffer.from(text.trim(), "hex"));
}

/** @param key 32 bytes */
export function createSecrets(key: Buffer): Secrets {
  if (key.length !== 32) throw new Error("TEAL_HOME/secret-key: 64 hex digits were expected");
  const about = (app: string, name: string) => Buffer.from(JSON.stringify([app, name]));
  return {
    seal(app, name, value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(about(app, name));
      const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
      return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url");
    },
    open(app, name, sealed) {
      try {
        if (!sealed.startsWith(VERSION)) throw new Error("another version");
        const raw = Buffer.from(sealed.slice(VERSION.length), "base64url");
        const [tagAt, textAt] = [NONCE_BYTES, NONCE_BYTES + TAG_BYTES];
        const options = { authTagLength: TAG_BYTES };
        const cipher = createDecipheriv("aes-256-gcm", key, raw.subarray(0, tagAt), options);
        cipher.setAAD(about(app, name)).setAuthTag(raw.subarray(tagAt, textAt));
        return Buffer.concat([cipher.update(raw.subarray(textAt)), cipher.final()]).toString();
      } catch (error) {
        throw new TealError("secret-unreadable", { app, name }, { cause: error });
      }
    },
  };
}

/** The name under which a certificate's key is sealed. */
export function certificateSecret(id: string): string {
  return `certificate ${id}`;
}

/** The values of a release's config. @throws secret-unreadable */
export function openConfig(
  secrets: Secrets,
  { app, config = {} }: Pick<Release, "app" | "config">,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([name, sealed]) => [name, secrets.open(app, name, sealed)]),
  );
}
