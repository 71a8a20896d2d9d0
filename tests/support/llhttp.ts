import { createServer, type Server } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";

export interface Seen {
  /** `METHOD PATH` of each head, whether or not its body came. */
  begun: string[];
  requests: string[];
  /** What the parser refused. */
  refused: string[];
}

/** A server that notes each whole request. */
export function recorder(): { server: Server; seen: Seen } {
  const seen: Seen = { begun: [], requests: [], refused: [] };
  const server = createServer({ keepAlive: true }, (req, res) => {
    let body = "";
    const url = req.url?.replace(/^http:\/\/[^/?#]*/i, "").replace(/^(?!\/|\*)/, "/");
    seen.begun.push(`${req.method} ${url}`);
    req.setEncoding("latin1");
    req.on("data", (chunk: string) => (body += chunk));
    req.on("end", () => {
      const { host, "x-case": x } = req.headers;
      const { t: trailer } = req.trailers;
      seen.requests.push(JSON.stringify([req.method, url, host, x, body, trailer]));
      res.end("ok");
    });
    req.on("error", () => undefined);
  });
  const handle = server.listeners("request")[0] as (req: unknown, res: unknown) => void;
  server.on("checkContinue", handle);
  server.on("checkExpectation", handle);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // A request that was begun and given up is no second meaning of its bytes.
    if (!["HPE_INVALID_EOF_STATE", "ECONNRESET"].includes(error.code ?? "")) {
      seen.refused.push(`${error.code} ${error.message}`);
    }
    // Not at once: the requests before it would not come to their ends.
    setTimeout(() => socket.destroy(), 50);
  });
  return { server, seen };
}

/** What llhttp sees in the bytes when they come right from a client. */
export async function direct(bytes: Buffer): Promise<Seen> {
  const { server, seen } = recorder();
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  socket.on("error", () => undefined);
  server.emit("connection", socket);
  socket.push(bytes);
  let before = -1;
  for (let quiet = 0; quiet < 3; quiet++) {
    await setImmediate();
    const now = seen.begun.length + seen.requests.length;
    if (now !== before) quiet = 0;
    before = now;
  }
  socket.destroy();
  return seen;
}
