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

interface Waiting {
  app: string;
  identity: Identity;
  gitEnded: AbortSignal;
}

const NEVER = new AbortController().signal;
const MAX_PUSHES = 64;
const MAX_MESSAGE = 4 * 1024 * 1024;
const MESSAGE_TIMEOUT_MS = 30_000;
const TURN_TIMEOUT_MS = 10_000;

/**
 * The platform's side of the pre-receive hook: a unix socket (0600). A hook is believed only with
 * the id of a push that was registered when git was started for a known identity.
 */
export function createReceiver({ socketPath, log, ...rest }: Options): Receiver {
  const accept = createAccept({ ...rest, log });
  const pushes = new Map<string, Waiting>();
  const takeTurn = createTurns();
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
    const git = new AbortController();
    pushes.set(id, { app, identity, gitEnded: git.signal });
    return {
      env: { TEAL_PUSH: id, TEAL_HOOK_SOCKET: socketPath },
      end() {
        pushes.delete(id);
        git.abort();
      },
    };
  }

  async function serve(socket: Socket): Promise<void> {
    const message = await readMessage(socket);
    const push = message && pushes.get(message.push);
    const remote = remoteOf(socket, push?.gitEnded);
    if (!message || !push) {
      await remote.print("error", "The platform does not know this push. Push again.");
      return remote.exit(1);
    }
    pushes.delete(message.push);
    const { app, identity, gitEnded } = push;
    const { lines, quarantine, options } = message;
    const turn = () => takeTurn(app, gitEnded);
    const given = { app, identity, lines, quarantine, options, turn };
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
function remoteOf(socket: Socket, gitEnded: AbortSignal = NEVER): Remote {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  return {
    // The hook outlives a git that was killed.
    gone: AbortSignal.any([gone.signal, gitEnded]),
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

/**
 * Between the yes to a push and the end of its git lies git's move of the branch, which nobody sees.
 * Pushes to one app are let into that stretch one after the other.
 */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async function takeTurn(app: string, ended: AbortSignal): Promise<void> {
    const before = last.get(app);
    const mine = Promise.resolve(before).then(() => abortOf(ended, TURN_TIMEOUT_MS));
    last.set(app, mine);
    void mine.then(() => last.get(app) === mine && last.delete(app));
    await before;
  };
}

/** Resolves when the signal aborts, and after `ms` at the latest. */
function abortOf(signal: AbortSignal, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
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
