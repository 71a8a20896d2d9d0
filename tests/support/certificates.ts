import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

export interface Pair {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
}

export interface Issuer extends Pair {
  issue(names: string[], more?: Times): Promise<Pair>;
}

interface Times {
  notBefore?: Date;
  notAfter?: Date;
}

/** A certification authority of its own, for the length of a test. */
export async function createIssuer(name = "Test CA", above?: Signer): Promise<Issuer & Signer> {
  const keys = await makeKeys();
  const signer = above ?? { subject: `CN=${name}`, keys };
  const cert = await X509CertificateGenerator.create({
    ...times({}),
    subject: `CN=${name}`,
    issuer: signer.subject,
    publicKey: keys.publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 2, true)],
  });
  const self = { subject: `CN=${name}`, keys };
  return {
    ...self,
    ...(await pairOf(cert, keys)),
    async issue(names, more = {}) {
      const own = await makeKeys();
      const leaf = await X509CertificateGenerator.create({
        ...times(more),
        subject: `CN=${names[0]}`,
        issuer: self.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value }))),
        ],
      });
      return pairOf(leaf, own);
    },
  };
}

interface Signer {
  subject: string;
  keys: webcrypto.CryptoKeyPair;
}

function times({ notBefore, notAfter }: Times) {
  return {
    notBefore: notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: notAfter ?? new Date(Date.now() + 90 * DAY_MS),
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pairOf(cert: X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Pair> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = pkcs8.toString("base64").replaceAll(/.{64}(?=.)/g, "$&\n");
  return {
    cert: `${cert.toString("pem").trim()}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  };
}
