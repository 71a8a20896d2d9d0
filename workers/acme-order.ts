import { readFile } from "node:fs/promises";
import { Agent } from "node:https";
import { rootCertificates } from "node:tls";
import type { Acme, AcmeAccount } from "../apps/acme.ts";
import { sayFailure } from "./acme-says.ts";

export interface OrderOptions {
  acme: Acme;
  /** URL of the ACME server's directory; null: Let's Encrypt. */
  directory: string | null;
  /** Told when something is wrong with a certificate, by some servers. */
  email: string | null;
  /** A file of certification authorities to trust besides the usual ones. */
  caFile: string | null;
}

export interface Ordered {
  /** PEM. */
  chain: string;
  key: string;
}

export const CHALLENGES = ["http-01", "tls-alpn-01"] as const;
export type ChallengeKind = (typeof CHALLENGES)[number];

/** Orders a certificate for one host. @throws Error that says what the server, or the way to it, refused */
export type Order = (host: string, kind: ChallengeKind) => Promise<Ordered>;

/** The orders themselves, through acme-client, which is loaded with the first of them. */
export function createOrder({ acme, directory, email, caFile }: OrderOptions): Order {
  async function client() {
    const { default: library } = await import("acme-client");
    const directoryUrl = directory ?? library.directory.letsencrypt.production;
    const ca = caFile === null ? undefined : [...rootCertificates, await readFile(caFile, "utf8")];
    if (ca) library.axios.defaults.httpsAgent = new Agent({ ca });
    const account = await accountOf(directoryUrl, async () =>
      String(await library.crypto.createPrivateEcdsaKey()),
    );
    const options = { directoryUrl, accountKey: account.key, backoffMin: 1000 };
    const made = new library.Client({
      ...options,
      ...(account.url && { accountUrl: account.url }),
    });
    return { library, made, account, directoryUrl, ca };
  }

  /** The key is kept before the server knows it, so that no account is left without one. */
  async function accountOf(url: string, make: () => Promise<string>): Promise<AcmeAccount> {
    const kept = await acme.account(url);
    if (kept) return kept;
    const account = { key: await make() };
    await acme.keepAccount(url, account);
    return account;
  }

  return async (host, kind) => {
    const { library, made, account, directoryUrl, ca } = await client();
    const [key, csr] = await library.crypto.createCsr(
      { altNames: [host] },
      await library.crypto.createPrivateEcdsaKey(),
    );
    const ordered = made.auto({
      csr,
      ...(email !== null && { email }),
      termsOfServiceAgreed: true,
      // The server's look at it is the one that counts, and comes from where clients come from.
      skipChallengeVerification: true,
      challengePriority: [kind],
      async challengeCreateFn(authorization, challenge, answer) {
        const offered: string = challenge.type;
        if (offered === "http-01") return acme.offerAnswer(host, challenge.token, answer);
        if (offered !== "tls-alpn-01") throw new Error(`The server offers no ${kind} challenge.`);
        const [proofKey, cert] = await library.crypto.createAlpnCertificate(authorization, answer);
        return acme.offerProof(host, { cert: String(cert), key: String(proofKey) });
      },
      challengeRemoveFn: async (_authorization, { token }) => acme.withdraw(host, token),
    });
    const chain = await ordered.catch(async (error: Error) => {
      throw new Error(await sayFailure(error, { host, kind, directoryUrl, ca }), { cause: error });
    });
    if (account.url === undefined) {
      await acme.keepAccount(directoryUrl, { ...account, url: made.getAccountUrl() });
    }
    return { chain, key: String(key) };
  };
}
