import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import type { CustomFetch } from "openid-client";
import { ask } from "./exchange.ts";
import { createOutward } from "./outward.ts";

export interface Reach {
  issuer: string;
  /** Whether the provider may send on to private networks, and by http, without TLS. */
  allowPrivate: boolean;
  /** Authorities besides those that Node knows: a file of PEM. */
  caFile: string | null;
}

/** For a whole request to the provider. */
const PATIENCE_MS = 10_000;

/**
 * Requests to an OpenID provider. The issuer's own host was chosen by who runs the platform and may
 * be anywhere; other hosts that the provider names are the public internet's alone.
 */
export function createOidcFetch({ issuer, allowPrivate, caFile }: Reach): CustomFetch {
  const chosen = new URL(issuer);
  const strict = createOutward({ allowPrivate });
  const open = createOutward({ allowPrivate: true });

  return async (address, { method, headers, body }) => {
    const url = new URL(address);
    const isChosen = url.host === chosen.host && url.protocol === chosen.protocol;
    if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:"))
      throw new Error(`https was expected, and the provider named ${url.origin}`);
    const asking = { method, headers, url: url.href, body: textOf(body) };
    const reply = await ask(isChosen ? open : strict, asking, {
      ms: PATIENCE_MS,
      ...(caFile !== null && { ca: [...rootCertificates, await readFile(caFile, "utf8")] }),
    });
    const bodiless = reply.status === 204 || reply.status === 304;
    return new Response(bodiless ? null : reply.body, {
      status: reply.status,
      headers: { "Content-Type": reply.headers["content-type"] ?? "" },
    });
  };
}

function textOf(body: unknown): string {
  if (body === undefined || body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Error("a form was expected");
}
