import type { Redis } from "ioredis";
import { contextOf } from "./certificates.ts";
import type { TlsParts } from "./host-tls.ts";

export interface ProofsOptions {
  names: { acmeAnswer(host: string, token: string): string; acmeProof(host: string): string };
  redis(): Redis;
  /** The key of a host's proof. */
  open(host: string, sealed: string): string;
}

const STORE_MS = 2000;

/**
 * What ACME servers are answered, looked up in the store when they ask, so that whoever orders need
 * not wait for any router.
 */
export function createProofs(
  options: ProofsOptions,
): Required<Pick<TlsParts, "answerFor" | "proofFor">> {
  const { names, redis, open } = options;

  async function read(name: string): Promise<string | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, STORE_MS, null);
    });
    const answer = redis().get(name);
    const found = await Promise.race([answer.catch(() => null), late]);
    clearTimeout(timer);
    return found;
  }

  return {
    answerFor: (host, token) => read(names.acmeAnswer(host, token)),
    async proofFor(host) {
      const found = await read(names.acmeProof(host));
      if (found === null) return null;
      const { cert, key } = JSON.parse(found) as { cert: string; key: string };
      return contextOf(cert, open(host, key));
    },
  };
}
