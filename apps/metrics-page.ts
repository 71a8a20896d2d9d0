import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "./access.ts";
import { addressOf } from "./audit-http.ts";
import { TealError } from "./errors.ts";
import { asTealError, retryAfter } from "./http.ts";
import type { Log } from "./log.ts";

interface Options {
  access: Pick<Access, "signIn" | "may">;
  /** Prometheus' text. */
  metrics: () => Promise<string>;
  log: Log;
}

const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * `GET /metrics` for an admin's token or one with the role `metrics`, and for this machine itself. The
 * handler resolves to false for any other path.
 */
export function createMetricsPage({ access, metrics, log }: Options) {
  return async function handle(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    if (!/^\/metrics(\?|$)/.test(req.url ?? "")) return false;
    try {
      if (req.method !== "GET" && req.method !== "HEAD") throw wrongMethod(req.method);
      await admit(req);
      answer(res, 200, await metrics(), {});
    } catch (caught) {
      const error = asTealError(caught, log, "metrics");
      answer(res, error.status, `${error.says}\n${error.todo}\n`, {
        ...(error.status === 401 && { "WWW-Authenticate": "Bearer" }),
        ...retryAfter(error),
      });
    }
    return true;
  };

  /** @throws not-signed-in, not-allowed, too-many-tries */
  async function admit(req: IncomingMessage): Promise<void> {
    const secret = /^Bearer +(\S{1,512})$/i.exec(req.headers.authorization ?? "")?.[1];
    if (!secret && isLocal(req)) return;
    const identity = secret ? await access.signIn(secret, { address: addressOf(req) }) : null;
    if (!identity) throw new TealError("not-signed-in");
    if (access.may(identity, "metrics")) return;
    throw new TealError("not-allowed", { who: identity.name, action: "read the metrics" });
  }
}

/** A proxy on this machine speaks for others: what it forwards is not from here. */
function isLocal(req: IncomingMessage): boolean {
  const address = addressOf(req) ?? "";
  const isForwarded = Object.keys(req.headers).some((name) => /^(x-)?forwarded|^via$/.test(name));
  const isLoopback = address === "::1" || address.startsWith("127.");
  return isLoopback && !isForwarded && LOCAL_HOST.test(req.headers.host ?? "");
}

function wrongMethod(method = ""): TealError {
  return new TealError("method-not-allowed", { path: "/metrics", allowed: "GET", method });
}

function answer(
  res: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string>,
): void {
  res.writeHead(status, {
    "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  res.end(text);
}
