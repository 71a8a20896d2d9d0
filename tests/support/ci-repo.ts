import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./push-world.ts";

interface Options {
  /** Basic credentials, `USER:PASSWORD`, without which nothing is given. */
  password?: string;
  /** Certificate and key, PEM: https is spoken. */
  tls?: { cert: string; key: string };
}

export type CiRepo = Awaited<ReturnType<typeof startCiRepo>>;

/** A git server (git's own http-backend) on the loopback, with one bare repository `ann/shop.git`. */
export async function startCiRepo({ password, tls }: Options = {}) {
  const root = mkdtempSync(join(tmpdir(), "teal-ci-"));
  const dir = join(root, "ann", "shop.git");
  const env = { HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
  await runCommand("git", ["init", "--quiet", "--bare", "--initial-branch=main", dir], {
    cwd: root,
    env,
  });
  const requests: string[] = [];
  const state = { redirectTo: "" };
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    requests.push(req.url ?? "");
    const basic = `Basic ${Buffer.from(password ?? "").toString("base64")}`;
    if (state.redirectTo) res.writeHead(302, { Location: state.redirectTo + req.url }).end();
    else if (password && req.headers.authorization !== basic)
      res.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
    else serve(root, req, res);
  };
  const server = tls ? createTlsServer(tls, answer) : createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    dir,
    port,
    requests,
    url: `${tls ? "https://localhost" : "http://127.0.0.1"}:${port}/ann/shop.git`,
    /** Answers everything with a redirect there; "" stops it. */
    redirect(to: string) {
      state.redirectTo = to;
    },
    stop() {
      server.closeAllConnections();
      server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** CGI, as far as git's http-backend needs it. */
function serve(root: string, req: IncomingMessage, res: ServerResponse): void {
  const [path = "", query = ""] = (req.url ?? "").split("?");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: root,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: req.method ?? "GET",
      CONTENT_TYPE: req.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: req.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(req.headers["git-protocol"] ?? ""),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => {});
  req.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.once("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const lines = all.subarray(0, end).toString("latin1").split("\r\n");
    const headers = lines.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
    const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
    const rest = headers.filter(([name]) => name && name !== "Status");
    res.writeHead(Number.parseInt(status), Object.fromEntries(rest));
    res.end(all.subarray(end + 4));
  });
}
