import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { TealError } from "./errors.ts";

const TYPES = /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa)$/;
/** An RSA key of 2048 bits has a blob of 279 bytes. */
const MIN_RSA_BLOB = 279;

/** `SHA256:…` of a key's blob, as `ssh-keygen -l` prints it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/**
 * Reads one line of an OpenSSH public key; its comment is left out.
 * @throws bad-request
 */
export function parsePublicKey(line: string): { fingerprint: string; publicKey: string } {
  const refuse = (detail: string) => new TealError("bad-request", { detail });
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  if (!TYPES.test(type)) {
    throw refuse("a public key is one line that begins with ssh-ed25519, ecdsa-sha2-… or ssh-rsa");
  }
  const publicKey = `${type} ${base64}`;
  const key = ssh2.utils.parseKey(publicKey);
  if (key instanceof Error || key.type !== type || key.isPrivateKey()) {
    throw refuse(`the public key (${type}) cannot be read`);
  }
  const blob = key.getPublicSSH();
  if (type === "ssh-rsa" && blob.length < MIN_RSA_BLOB)
    throw refuse("an RSA key needs at least 2048 bits");
  return { fingerprint: fingerprintOf(blob), publicKey };
}
