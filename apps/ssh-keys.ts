import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { parsePublicKey } from "./public-key.ts";
import { checkedScope, type Identity, type Scope } from "./rights.ts";
import type { Used, Uses } from "./uses.ts";

export interface KeyRecord extends Scope {
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /** `TYPE BASE64` */
  publicKey: string;
  createdAt: number;
}

export interface SshKeys {
  /** @throws bad-request unless `publicKey` is one line of an OpenSSH public key */
  addKey(wish: Scope & { publicKey: string }): Promise<KeyRecord>;
  /** Null also when its user is gone. */
  findKey(fingerprint: string): Promise<{ identity: Identity; publicKey: string } | null>;
  listKeys(): Promise<(KeyRecord & Used)[]>;
  /** False when there is no such key. */
  removeKey(fingerprint: string): Promise<boolean>;
}

/** The SSH keys that the platform knows. `standFor`: whom a scope stands for now. */
export function createSshKeys(
  redis: Redis,
  uses: Uses,
  standFor: (scope: Scope) => Promise<Identity | null>,
): SshKeys {
  return {
    async addKey(wish) {
      const { fingerprint, publicKey } = parsePublicKey(wish.publicKey);
      const scope = checkedScope(wish);
      const record: KeyRecord = { fingerprint, ...scope, publicKey, createdAt: Date.now() };
      await redis.hset(keys.sshKeys, fingerprint, JSON.stringify(record));
      return record;
    },
    async findKey(fingerprint) {
      const json = await redis.hget(keys.sshKeys, fingerprint);
      if (!json) return null;
      const record = JSON.parse(json) as KeyRecord;
      const identity = await standFor(record);
      if (!identity) return null;
      uses.note(fingerprint);
      return { identity, publicKey: record.publicKey };
    },
    async listKeys() {
      const all = Object.values(await redis.hgetall(keys.sshKeys));
      return uses.of(
        all.map((json) => JSON.parse(json) as KeyRecord),
        (key) => key.fingerprint,
      );
    },
    async removeKey(fingerprint) {
      await uses.forget(fingerprint);
      return (await redis.hdel(keys.sshKeys, fingerprint)) === 1;
    },
  };
}
