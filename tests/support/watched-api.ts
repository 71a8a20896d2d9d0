import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { createJudge } from "./openapi.ts";

const PREFIX = "/api/v1";

export type WatchedApi = Awaited<ReturnType<typeof watchApi>>;

/**
 * Stands between clients and a platform's API, and looks at every answer by the OpenAPI document.
 * Event streams are looked at by their type alone.
 */
export async function watchApi(platform: {
  apiPort: number;
  api(method: string, path: string): Promise<{ body: any }>;
}) {
  const { body: document } = await platform.api("GET", "/openapi.json");
  const judge = createJudge(document);
  /** As `get /apps/{app}`. */
  const routes = Object.keys(document.paths).flatMap((path) =>
    Object.keys(document.paths[path]).map((method) => `${method} ${path}`),
  );
  const answered = new Set<string>();
  const faults: string[] = [];

  function look(req: IncomingMessage, status: number, type: string | null, text: string): void {
    const method = (req.method ?? "").toLowerCase();
    const path = pathFor(Object.keys(document.paths), method, req.url ?? "");
    if (status < 300) answered.add(`${method} ${path}`);
    // A WebSocket is what the request asked for; its route has no JSON to look at.
    const fault = status === 101 ? null : judge({ method, path, status, type, text });
    if (fault !== null) faults.push(`${method} ${req.url} -> ${status}: ${fault}`);
  }

  function pathFor(paths: string[], method: string, url: string): string {
    const asked = url.slice(PREFIX.length).replace(/\?.*$/, "").split("/");
    const fixed = (path: string) => path.split("/").filter((word) => !word.startsWith("{")).length;
    const fitting = paths.filter((path) => {
      const words = path.split("/");
      const fits = (word: string, i: number) => word.startsWith("{") || word === asked[i];
      return words.length === asked.length && words.every(fits) && method in document.paths[path];
    });
    return fitting.toSorted((a, b) => fixed(b) - fixed(a))[0] ?? url;
  }

  const server = createServer((req, res) => {
    const { method, url, headers } = req;
    const at = { host: "127.0.0.1", port: platform.apiPort, agent: false };
    const passed = request({ ...at, method, path: url, headers }, (answer) => {
      const { statusCode: status = 0, headers: told } = answer;
      const type = told["content-type"] ?? null;
      res.writeHead(status, told);
      answer.pipe(res);
      if (type?.startsWith("text/event-stream")) return look(req, status, type, "");
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.once("end", () => look(req, status, type, text));
    });
    passed.once("error", () => res.destroy());
    res.once("close", () => passed.destroy());
    req.pipe(passed);
  });
  server.on("upgrade", (req, client: Socket, head: Buffer) => {
    const behind = connect(platform.apiPort, "127.0.0.1");
    behind.write(`${req.method} ${req.url} HTTP/1.1\r\n${headOf(req)}\r\n\r\n`);
    behind.write(head);
    behind.once("data", (first: Buffer) => {
      if (first.toString("latin1").startsWith("HTTP/1.1 101")) look(req, 101, null, "");
    });
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.once("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    routes,
    faults,
    /** Routes that have answered well. */
    answered: (): string[] => [...answered],
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

function headOf({ rawHeaders }: IncomingMessage): string {
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2)
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return lines.join("\r\n");
}
