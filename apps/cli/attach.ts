import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { TealError } from "../errors.ts";
import { type FromRun, MOST_MESSAGE, type Run, type ToRun } from "../run-protocol.ts";
import { refusalOf, textOf } from "./client.ts";
import type { Input } from "./command.ts";
import { findServer } from "./server.ts";
import { findTerminal, type Terminal } from "./terminal.ts";

export async function runAttached(input: Input): Promise<void> {
  await attachTo(input, { command: input.args });
}

export async function enter(input: Input): Promise<void> {
  const [inside, ...command] = input.args;
  await attachTo(input, { command, inside });
}

export async function runDetached({ app, args: command, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await app())}/runs`;
  const run = await (await client()).post<Run>(path, { command, detached: true });
  if (out.json) return out.value(run);
  out.line(`run.${run.id} runs; 'teal logs --ps run.${run.id} -f' follows it.`);
}

/** Asks for it, is attached to it until it ends, and exits as it did. */
async function attachTo(input: Input, wish: object): Promise<void> {
  const terminal = findTerminal(input.options["no-tty"] === true);
  const app = encodeURIComponent(await input.app());
  const { tty, term } = terminal;
  const asked = { ...wish, tty, term, ...terminal.size() };
  const run = await (await input.client()).post<Run>(`/apps/${app}/runs`, asked);
  const socket = await open(`api/v1/apps/${app}/runs/${run.id}/attach`);
  try {
    process.exitCode = await attach(socket, terminal);
  } finally {
    terminal.restore();
    socket.terminate();
    // Standard input would keep the process.
    process.stdin.destroy();
  }
}

async function open(path: string): Promise<WebSocket> {
  const { url, token } = await findServer(process.env);
  const target = new URL(path, `${url.href.replace(/\/*$/, "")}/`);
  target.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(target, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    maxPayload: 2 * MOST_MESSAGE,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => {
      // Not before, when it does nothing; what comes at once waits for whoever listens.
      socket.pause();
      resolve(socket);
    });
    socket.once("unexpected-response", (_request, response: IncomingMessage) => {
      textOf(response).then((text) => reject(refusalOf(response, text)), reject);
    });
    socket.once("error", ({ message }) =>
      reject(new TealError("unreachable", { url: url.origin, detail: message })),
    );
  });
}

/** Resolves with the exit code. @throws TealError run-broke-off */
function attach(socket: WebSocket, terminal: Terminal): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const say = (message: ToRun) => socket.send(JSON.stringify(message), () => {});
  const feed = (bytes: Buffer) => {
    stdin.pause();
    socket.send(bytes, { binary: true }, () => stdin.resume());
  };
  stdin.on("data", feed);
  stdin.once("end", () => say({ end: true }));
  terminal.begin({
    resized: (size) => say({ resize: size }),
    interrupted: () => say({ signal: "INT" }),
  });

  return new Promise((resolve, reject) => {
    socket.on("message", (data, isBinary) => {
      const bytes = data as Buffer;
      if (isBinary) {
        const target = bytes[0] === 2 ? stderr : stdout;
        socket.pause();
        target.write(bytes.subarray(1), () => socket.resume());
        return;
      }
      const message = JSON.parse(bytes.toString("utf8")) as FromRun;
      if ("exit" in message) resolve(message.exit);
      else reject(new TealError("run-broke-off", { detail: message.failed }));
    });
    socket.once("close", () =>
      reject(new TealError("run-broke-off", { detail: "the connection was closed" })),
    );
    socket.resume();
  });
}
