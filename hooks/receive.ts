import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import type { Identity } from "../apps/access.ts";
import { TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import { createAccept, type AcceptOptions, type Remote } from "./accept.ts";
import { remoteLines } from "./remote-lines.ts";

/** A push that git has been started for. Its hook may come back once, with this id. */
export interface Registration {
  /** Environment for git that leads its hook back here. */
  env: Record<string, string>;
  /** Git has ended: the id is no longer good. */
  end(): void;
}

export interface Receiver {
  /** @throws too-many-pushes */
  register(app: string, identity: Identity): Registration;
  listen(): Promise<void>;
  /** Cuts the hooks off; deploys that they follow go on. */
  close(): Promise<void>;
}

interface Options extends AcceptOptions {
  socketPath: string;
  log: Log;
}

interface Message {
  push: string;
  lines: string;
  quarantine?: string;
  options: string[];
}

const MAX_PUSHES = 64;
const MAX_MESSAGE = 4 * 1024 * 1024;
const MESSAGE_TIMEOUT_MS = 30_000;

/**
 * The platform's side of the pre-receive hook: a unix socket (0600). A hook is believed only with
 * the id of a push that was registered when git was started for a known identity.
 */
export function createReceiver({ socketPath, log, ...rest }: Options): Receiver {
  const accept = createAccept({ ...rest, log });
  const pushes = new Map<string, { app: string; identity: Identity }>();
  const stopping = new AbortController();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket).catch((error: Error) => {
      log.error({ error: error.stack }, "a push could not be answered");
      socket.destroy();
    });
  });

  function register(app: string, identity: Identity): Registration {
    if (pushes.size >= MAX_PUSHES) throw new TealError("too-many-pushes", { limit: MAX_PUSHES });
    const id = randomBytes(24).toString("base64url");
    pushes.set(id, { app, identity });
    return {
      env: { TEAL_PUSH: id, TEAL_HOOK_SOCKET: socketPath },
      end: () => void pushes.delete(id),
    };
  }

  async function serve(socket: Socket): Promise<void> {
    const message = await readMessage(socket);
    const push = message && pushes.get(message.push);
    const remote = remoteOf(socket);
    if (!message || !push) {
      await remote.print("error", "The platform does not know this push. Push again.");
      return remote.exit(1);
    }
    pushes.delete(message.push);
    const given = {
      ...push,
      lines: message.lines,
      quarantine: message.quarantine,
      options: message.options,
    };
    remote.exit(await accept(given, remote, stopping.signal));
  }

  return {
    register,
    async listen() {
      await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
      await rm(socketPath, { force: true });
      server.listen(socketPath);
      await once(server, "listening");
      await chmod(socketPath, 0o600);
    },
    async close() {
      stopping.abort();
      const closed = server.listening ? once(server, "close") : null;
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Lines to the hook as JSON, one per line; it goes at the pace of the client, and on when it is gone. */
function remoteOf(socket: Socket): Remote {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  return {
    gone: gone.signal,
    async print(kind, text) {
      const frames = remoteLines(kind, text).map((print) => `${JSON.stringify({ print })}\n`);
      if (socket.destroyed || socket.write(frames.join(""))) return;
      await once(socket, "drain", { signal: gone.signal }).catch(() => {});
    },
    exit(code) {
      if (!socket.destroyed) socket.end(`${JSON.stringify({ exit: code })}\n`);
    },
  };
}

/** The hook's one line; null when it is not that. */
async function readMessage(socket: Socket): Promise<Message | null> {
  let text = "";
  socket.setEncoding("utf8");
  socket.setTimeout(MESSAGE_TIMEOUT_MS, () => socket.destroy());
  const complete = new Promise<void>((resolve) => {
    socket.once("close", resolve);
    socket.on("data", (chunk: string) => {
      if (text.endsWith("\n")) return;
      text += chunk;
      if (text.endsWith("\n")) resolve();
      if (text.length > MAX_MESSAGE) socket.destroy();
    });
  });
  await complete;
  socket.setTimeout(0);
  return parseMessage(text);
}

function parseMessage(text: string): Message | null {
  try {
    const { push, lines, quarantine, options } = JSON.parse(text) as Record<string, unknown>;
    if (typeof push !== "string" || typeof lines !== "string" || !Array.isArray(options))
      return null;
    return {
      push,
      lines,
      ...(typeof quarantine === "string" ? { quarantine } : {}),
      options: options.filter((option) => typeof option === "string"),
    };
  } catch {
    return null;
  }
}
