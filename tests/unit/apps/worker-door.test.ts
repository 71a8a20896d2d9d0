import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { WebSocketServer } from "ws";
import { createWorkerDoor } from "../../../apps/worker-door.ts";

test("what a worker says at once is heard by who listens later", async (t) => {
  const run = mkdtempSync(join(tmpdir(), "teal-door-"));
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer();
  server.on("upgrade", (req, socket, head) => {
    // All of it in one piece, as when a command was over before anybody was attached.
    socket.cork();
    sockets.handleUpgrade(req, socket, head, (client) => {
      client.send("output");
      client.send("exit");
      client.close();
      socket.uncork();
    });
  });
  server.listen(join(run, "worker-1.sock"));
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    rmSync(run, { recursive: true });
  });
  const client = await createWorkerDoor({ run }).connect("/apps/shop/runs/0a0a0a0a");
  await sleep(50);
  const heard: string[] = [];
  client.on("message", (data) => heard.push((data as Buffer).toString()));
  const closed = once(client, "close");
  client.resume();
  await closed;
  t.deepEqual(heard, ["output", "exit"]);
});
