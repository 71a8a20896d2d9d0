import type { IncomingMessage } from "node:http";
import { TealError } from "../apps/errors.ts";

/** Largest delivery, in bytes. */
const DELIVERY_LIMIT = 1024 * 1024;
/** A sender that takes longer for its body is cut off. */
const BODY_MS = 10_000;

/**
 * The body as it came, for the signature. Nothing of a body that is too large is kept.
 * @throws too-large, bad-request when it breaks off or is encoded
 */
export async function readRawBody(req: IncomingMessage): Promise<Buffer> {
  const broken = (detail: string) => new TealError("bad-request", { detail });
  if (Number(req.headers["content-length"]) > DELIVERY_LIMIT) throw tooLarge();
  if (req.headers["content-encoding"]) throw broken("a body without Content-Encoding was expected");
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => reject(broken("the body did not come in time")), BODY_MS);
  const chunks: Buffer[] = [];
  let size = 0;
  req.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= DELIVERY_LIMIT) chunks.push(chunk);
    else {
      chunks.length = 0;
      reject(tooLarge());
    }
  });
  req.once("end", () => resolve(Buffer.concat(chunks)));
  req.once("close", () => reject(broken("the body broke off")));
  return promise.finally(() => clearTimeout(timer));
}

/** The payload in a body: JSON, or (as GitHub can be told to send it) JSON in a form. @throws bad-request */
export function parsePayload(body: Buffer, contentType = ""): unknown {
  const text = body.toString("utf8");
  const isForm = contentType.startsWith("application/x-www-form-urlencoded");
  try {
    return JSON.parse(isForm ? (new URLSearchParams(text).get("payload") ?? "") : text);
  } catch {
    throw new TealError("bad-request", { detail: "the body is not JSON" });
  }
}

function tooLarge(): TealError {
  return new TealError("too-large", { limit: DELIVERY_LIMIT });
}
