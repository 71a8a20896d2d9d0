import { createServer } from "node:http";
import test from "ava";
import { WebSocketServer } from "ws";
import { listen } from "../../support/router-rig.ts";
import { runCli } from "../../support/run-cli.ts";

test("a command that is over before one is attached is shown whole, with its exit code", async (t) => {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((_req, res) => {
    res.writeHead(201, { "content-type": "application/json" });
    res.end(JSON.stringify({ id: "0a0a0a0a", app: "shop", release: 1 }));
  });
  server.on("upgrade", (req, socket, head) => {
    // Answer, output, exit code and end in one piece.
    socket.cork();
    sockets.handleUpgrade(req, socket, head, (client) => {
      client.send(Buffer.concat([Buffer.from([1]), Buffer.from("quick\n")]), { binary: true });
      client.send(JSON.stringify({ exit: 3 }));
      client.close();
      socket.uncork();
    });
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const env = { TEAL_URL: url, TEAL_TOKEN: "t" };
  for (let i = 0; i < 3; i++) {
    const ran = await runCli(["run", "-a", "shop", "true"], { env });
    t.deepEqual(ran, { code: 3, stdout: "quick\n", stderr: "" });
  }
});
