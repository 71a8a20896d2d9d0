import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import test from "ava";
import { eventually, startPushWorld } from "../support/push-world.ts";
import { createSshUser } from "../support/ssh-client.ts";

const descriptors = () => readdirSync("/proc/self/fd").length;

test("500 silent connections are closed in time, and a push goes on beside them", async (t) => {
  const world = await startPushWorld();
  try {
    const admin = await createSshUser(world, "admin", "admin");
    const before = descriptors();
    const sockets: Socket[] = [];
    for (let i = 0; i < 500; i++) {
      const socket = connect(world.sshPort, "127.0.0.1").on("error", () => {});
      socket.resume();
      sockets.push(socket);
      await once(socket, "connect");
      // Half of them greet first, which is as far as ssh2 can see.
      if (i % 2) socket.write("SSH-2.0-silent\r\n");
    }
    await eventually(() => sockets.filter((socket) => !socket.closed).length <= 30);
    const work = await world.repository();
    const { status, output } = await work.git(["push", admin.remote("shop"), "main"], admin.env);
    t.is(status, 0, output);
    await eventually(() => sockets.every((socket) => socket.closed));
    await eventually(() => descriptors() <= before + 5);
    t.pass();
  } finally {
    await world.stop();
  }
});
