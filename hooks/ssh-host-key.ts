import ssh2 from "ssh2";
import { keepSecret } from "../apps/secret-file.ts";

/** The server's ed25519 key, made once. */
export function ensureHostKey(file: string): Promise<string> {
  return keepSecret(file, () => ssh2.utils.generateKeyPairSync("ed25519").private);
}
