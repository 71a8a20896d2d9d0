import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { asTealError } from "./http.ts";
import type { Log } from "./log.ts";

/** True when the request was its own, and is answered. */
type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<boolean>;
type Rest = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

interface Options {
  /** Asked one after the other. */
  first: readonly Handler[];
  /** What begins with `/api`. */
  api: Rest;
  /** All else. */
  dashboard: Rest;
  log: Log;
}

/** Whose is a request of the web port? A fault that nobody caught is that request's alone. */
export function createFront({ first, api, dashboard, log }: Options): RequestListener {
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    for (const handle of first) if (await handle(req, res)) return;
    await (isApi(req) ? api : dashboard)(req, res);
  }

  return (req, res) => {
    serve(req, res).catch((error: unknown) => {
      const { status, says, todo } = asTealError(error, log, `${req.method} of the web port`);
      if (res.headersSent) return res.destroy();
      res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
      return res.end(`${says}\n${todo}\n`);
    });
  };
}

function isApi(req: IncomingMessage): boolean {
  return /^\/api(\/|$)/.test(req.url ?? "");
}
