import ssh2 from "ssh2";
import { keepSecret } from "../apps/secret-file.ts";

/** The server's ed25519 key, made once. */
export function ensureHostKey(file: string): Promise<string> {
  return keepSecret(file, generateHostKey);
}

/** A fresh key. About one in 200 that ssh2 1.17 makes it cannot read again, and those are dropped. */
export function generateHostKey(): string {
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}
