import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Provider } from "../apps/senders.ts";

/** A delivery as it came. */
export interface Signed {
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** What stands behind the sender in the address: Docker Hub has no other place for a secret. */
  key?: string;
}

/** How far a signed timestamp may be from this machine's clock. */
export const WINDOW_MS = 5 * 60_000;

/** "stale": well signed, at another time. */
export type Trust = "good" | "bad" | "stale";

/**
 * Whether who sent this knows `secret`: by HMAC over the raw body, or (GitLab's older way) by the
 * secret itself. Takes as long for a wrong one as for a right one.
 * @param now ms
 */
export function verify(provider: Provider, secret: string, signed: Signed, now: number): Trust {
  if (secret === "") return "bad";
  const { headers, body } = signed;
  if (provider === "standard") return verifyStandard(secret, signed, now);
  if (provider === "gitlab") {
    if (headers["webhook-signature"] !== undefined) return verifyStandard(secret, signed, now);
    return trust(same(header(headers, "x-gitlab-token"), secret));
  }
  if (provider === "registry") {
    const [, given = ""] = /^(?:Bearer +)?(\S+)$/i.exec(header(headers, "authorization")) ?? [];
    return trust(same(given, secret));
  }
  if (provider === "dockerhub") return trust(same(signed.key ?? "", secret));
  if (provider === "bitbucket") {
    return trust(isHmac(header(headers, "x-hub-signature"), "sha256=", secret, body));
  }
  if (provider === "gitea") {
    const bare = header(headers, "x-forgejo-signature") || header(headers, "x-gitea-signature");
    if (bare !== "") return trust(isHmac(bare, "", secret, body));
  }
  return trust(isHmac(header(headers, "x-hub-signature-256"), "sha256=", secret, body));
}

/** A header's one value; empty when it is missing or was sent twice. */
export function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value : "";
}

/** https://www.standardwebhooks.com: `v1,BASE64` of ID.TIMESTAMP.BODY, several separated by spaces. */
function verifyStandard(secret: string, { headers, body }: Signed, now: number): Trust {
  const id = header(headers, "webhook-id");
  const at = header(headers, "webhook-timestamp");
  if (id === "" || id.length > 256 || !/^\d{1,12}$/.test(at)) return "bad";
  const given = header(headers, "webhook-signature").split(" ").slice(0, 10);
  const expected = `v1,${signStandard(secret, id, at, body)}`;
  if (!given.map((one) => same(one, expected)).includes(true)) return "bad";
  return Math.abs(Number(at) * 1000 - now) <= WINDOW_MS ? "good" : "stale";
}

/** @param at seconds since the epoch */
function signStandard(secret: string, id: string, at: string, body: Buffer): string {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  return createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64");
}

function isHmac(given: string, prefix: string, secret: string, body: Buffer): boolean {
  const expected = prefix + createHmac("sha256", secret).update(body).digest("hex");
  return same(given.toLowerCase(), expected);
}

/** Compares digests, so that neither content nor length shows in the time it takes. */
function same(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected)) && given !== "";
}

function trust(good: boolean): Trust {
  return good ? "good" : "bad";
}
