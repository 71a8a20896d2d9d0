/** http-proxy as its readme shows it, with a keep-alive agent: `bare-http-proxy.ts PORT BACKEND`. */
import { Agent, createServer } from "node:http";
import httpProxy from "http-proxy";

const [port, backend] = process.argv.slice(2).map(Number);
const proxy = httpProxy.createProxyServer({
  target: { host: "127.0.0.1", port: backend as number },
  agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }),
  xfwd: true,
});
const server = createServer((req, res) => {
  proxy.web(req, res, {}, () => res.destroy());
});
server.on("upgrade", (req, socket, head) => {
  proxy.ws(req, socket, head, {}, () => socket.destroy());
});
server.listen(port, "127.0.0.1", 4096);
