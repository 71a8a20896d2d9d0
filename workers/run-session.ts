import type { RawData, WebSocket } from "ws";
import type { Log } from "../apps/log.ts";
import { type FromRun, type ToRun, toRun } from "../apps/run-protocol.ts";
import type { Attached } from "./engine/attached.ts";

/** Connects a command with who is attached to it, until it has ended or they are gone. */
export async function serveRun(attached: Attached, socket: WebSocket, log: Log): Promise<void> {
  const { input } = attached;
  const say = (message: FromRun) => socket.send(JSON.stringify(message), () => {});
  let over = false;
  input.on("error", () => {});
  socket.on("error", () => {});
  socket.on("message", (data: RawData, isBinary) => {
    // As buffers, since nothing else was asked for.
    const bytes = data as Buffer;
    if (isBinary) feed(bytes);
    else void obey(attached, bytes.toString("utf8")).catch(() => {});
  });
  socket.once("close", () => {
    if (!over) void attached.stop();
  });

  function feed(bytes: Buffer): void {
    if (input.write(bytes)) return;
    socket.pause();
    input.once("drain", () => socket.resume());
  }

  try {
    socket.resume();
    const exit = await attached.run((output, bytes) => send(socket, output, bytes));
    say({ exit });
  } catch (error) {
    log.warn({ error: String(error) }, "a one-off command broke off");
    say({ failed: error instanceof Error ? error.message : String(error) });
    await attached.stop();
  }
  over = true;
  socket.close();
}

/** Resolves when it is on its way, so that a slow reader slows the command. */
function send(socket: WebSocket, output: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    socket.send(Buffer.concat([Buffer.from([output]), bytes]), { binary: true }, () => resolve());
  });
}

/** Nonsense changes nothing. */
async function obey(attached: Attached, text: string): Promise<void> {
  const order: ToRun = toRun.parse(JSON.parse(text));
  if ("resize" in order) await attached.resize(order.resize);
  else if ("signal" in order) await attached.signal(order.signal);
  else attached.input.end();
}
