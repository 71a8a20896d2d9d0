import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { keepSecret } from "./secret-file.ts";

/** Keeps secrets that must be read again (a digest will not do) unreadable in the store. */
export interface Secrets {
  seal(text: string): string;
  /** @throws Error when it was not sealed with this key, or changed since */
  open(sealed: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM with the key in `keyFile`, which is made on first use (0600).
 * @throws Error when the file holds something else
 */
export async function createSecrets(keyFile: string): Promise<Secrets> {
  const text = await keepSecret(keyFile, () => `${randomBytes(KEY_BYTES).toString("base64")}\n`);
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== KEY_BYTES) {
    throw new Error(`${keyFile} was expected to hold ${KEY_BYTES} bytes in base64.`);
  }
  return {
    seal(plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const sealed = Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final()]);
      return Buffer.concat([sealed, cipher.getAuthTag()]).toString("base64");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64");
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce);
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const body = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    },
  };
}
