import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import test from "ava";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser } from "../support/ssh-client.ts";

const CONNECTIONS = 600;
const HELLO = "SSH-2.0-OpenSSH_9.2\r\n";

/** A packet in the clear, as before the keys are exchanged. */
function packet(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8) + 8;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length + padding + 1, 0);
  head.writeUInt8(padding, 4);
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

function junk(i: number): Buffer[] {
  const bytes = randomBytes(1 + (i % 500));
  const hello = Buffer.from(HELLO);
  const shapes = [
    [bytes],
    [hello, bytes],
    [Buffer.from("SSH-1.0-old\r\n")],
    [Buffer.alloc(70_000, "x")],
    [hello, packet(Buffer.concat([Buffer.from([20]), bytes]))],
    [hello, packet(Buffer.concat([Buffer.from([i % 256]), bytes]))],
    [hello, Buffer.from([0xff, 0xff, 0xff, 0xff]), bytes],
    [Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ];
  return shapes[i % shapes.length]!;
}

async function throwAt(world: PushWorld, i: number): Promise<void> {
  const socket = connect(world.sshPort, "127.0.0.1").on("error", () => {});
  await once(socket, "connect").catch(() => {});
  socket.resume();
  for (const part of junk(i)) socket.write(part);
  await new Promise((done) => setTimeout(done, 5));
  if (i % 3 === 0) socket.resetAndDestroy();
  else socket.destroy();
}

test("junk and resets at any stage end their own connection and nothing else", async (t) => {
  const world = await startPushWorld();
  const uncaught: unknown[] = [];
  const remember = (error: unknown) => uncaught.push(error);
  process.on("uncaughtExceptionMonitor", remember);
  try {
    const admin = await createSshUser(world, "admin", "admin");
    for (let i = 0; i < CONNECTIONS; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, n) => throwAt(world, i + n)));
    }
    const work = await world.repository();
    const { status, output } = await work.git(["push", admin.remote("shop"), "main"], admin.env);
    t.is(status, 0, output);
    t.deepEqual(uncaught, []);
  } finally {
    process.off("uncaughtExceptionMonitor", remember);
    await world.stop();
  }
});
