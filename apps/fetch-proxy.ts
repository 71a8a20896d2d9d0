import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Transform, type Duplex } from "node:stream";
import type { FetchSource } from "./fetch-source.ts";
import type { Outward } from "./outward.ts";

interface Options {
  outward: Pick<Outward, "connect">;
  source: FetchSource;
  /** More than so many bytes from the other side end the connection. */
  maxBytes: number;
}

/**
 * A proxy on the loopback for one fetch: git knows no way to look at the address that it connects
 * to, so it connects here, and this connects by `outward`. It leads to the source and nowhere else.
 */
export async function startFetchProxy({ outward, source, maxBytes }: Options) {
  let wrong: unknown = null;
  let room = maxBytes;
  const sockets = new Set<Duplex>();
  const keep = <T extends Duplex>(socket: T): T => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    return socket;
  };
  const counted = () =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        room -= chunk.length;
        if (room >= 0) return done(null, chunk);
        wrong ??= new Error(`more than ${maxBytes} bytes came`);
        done(wrong as Error);
      },
    });

  async function reach(): Promise<Socket> {
    try {
      return keep(await outward.connect(source.host, source.port));
    } catch (error) {
      wrong ??= error;
      throw error;
    }
  }

  async function tunnel(client: Duplex, target: string | undefined): Promise<void> {
    if (target !== `${source.host}:${source.port}`) throw new Error("another host was asked for");
    const socket = await reach();
    client.write("HTTP/1.1 200 OK\r\n\r\n");
    const meter = keep(counted());
    client.pipe(socket).pipe(meter).pipe(client);
    meter.once("error", () => [client, socket].forEach((one) => one.destroy()));
    client.once("close", () => socket.destroy());
  }

  /** Plain http, for repositories on a trusted network. */
  async function forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { host, pathname, search } = new URL(req.url ?? "");
    if (source.kind !== "http" || host !== new URL(source.url).host) {
      throw new Error("another host was asked for");
    }
    const socket = await reach();
    const { "proxy-connection": _hop, ...headers } = req.headers;
    const path = `${pathname}${search}`;
    const onward = request({ createConnection: () => socket, method: req.method, path, headers });
    onward.once("error", () => res.destroy());
    onward.once("response", (answer) => {
      try {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
      } catch (error) {
        // Of what Node reads, such as status 99, it sends not all.
        wrong ??= error;
        socket.destroy();
        return res.destroy();
      }
      const meter = keep(counted());
      meter.once("error", () => res.destroy());
      return answer.pipe(meter).pipe(res);
    });
    req.pipe(onward);
  }

  const server = createServer((req, res) => {
    forward(req, res).catch(() => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  });
  server.on("connect", (req, client, head) => {
    keep(client);
    if (head.length > 0) client.unshift(head);
    tunnel(client, req.url).catch(() => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
  });
  server.on("connection", keep);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Why the other side was not reached, if it was not. */
    wrong: () => wrong,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
