import { once } from "node:events";
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { WebSocketServer } from "ws";
import { z } from "zod";
import type { AppLook } from "../apps/app-look.ts";
import { asTealError } from "../apps/http.ts";
import type { Log } from "../apps/log.ts";
import { MOST_MESSAGE, runWish } from "../apps/run-protocol.ts";
import type { Runs } from "./runs.ts";

interface Options {
  /** `run/worker-N.sock` */
  path: string;
  runs: Runs;
  look(app: string): Promise<AppLook>;
  log: Log;
}

const MOST_BODY = 2 * 1024 * 1024;
const runRequest = z.object({ app: z.string(), by: z.string(), wish: runWish });
const lookRequest = z.object({ app: z.string() });

/**
 * What only a worker can do at once, for the web process of the same machine: a socket that its
 * own user alone may open. Who may ask for what is decided there.
 */
export async function openDoor({
  path,
  runs,
  look,
  log,
}: Options): Promise<{ close(): Promise<void> }> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_MESSAGE,
    perMessageDeflate: false,
  });
  const server = createServer((req, res) => {
    answer(req).then(
      (body) => reply(res, 200, body),
      (caught: unknown) => {
        const { code, params } = asTealError(caught, log, "worker");
        reply(res, 400, { code, params });
      },
    );
  });
  server.on("upgrade", (req, socket, head) => {
    const [, app = "", id = ""] = /^\/apps\/([\w-]+)\/runs\/(\w+)$/.exec(req.url ?? "") ?? [];
    socket.on("error", () => {});
    if (!runs.waits(app, id)) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    else sockets.handleUpgrade(req, socket, head, (client) => runs.attach(id, client));
  });

  async function answer(req: IncomingMessage): Promise<unknown> {
    const body: unknown = JSON.parse(await textOf(req));
    if (req.url === "/look") return look(lookRequest.parse(body).app);
    const { app, by, wish } = runRequest.parse(body);
    return runs.request(app, by, wish);
  }

  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // What a worker that was killed left behind; nobody else uses this number.
  await rm(path, { force: true });
  server.listen(path);
  await once(server, "listening");
  await chmod(path, 0o600);
  return {
    async close() {
      server.close();
      await runs.close();
      server.closeAllConnections();
      sockets.clients.forEach((client) => client.terminate());
    },
  };
}

async function textOf(req: IncomingMessage): Promise<string> {
  let text = "";
  req.setEncoding("utf8");
  for await (const chunk of req) {
    text += String(chunk);
    if (text.length > MOST_BODY) throw new Error("too large a question");
  }
  return text;
}

function reply(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
