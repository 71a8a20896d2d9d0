import { connect, type Socket } from "node:net";
import type { Clock } from "./clock.ts";
import { letGo } from "./let-go.ts";

export interface Address {
  host: string;
  port: number;
}

/** Who has a connection at present. */
export interface User {
  connected(): void;
  /**
   * `bytes` hold only within this call, those of a connection with a buffer of its own until that is
   * read into again. False stops the reading until the socket's `resume`.
   */
  data(bytes: Buffer): boolean;
  drained(): void;
  /** The connection is at its end; `clean` when the app said so by a FIN. */
  over(clean: boolean): void;
}

export interface Connection {
  readonly socket: Socket;
  user: User | null;
  /** It has carried a request before, and may have been closed by the app meanwhile. */
  reused: boolean;
  idleSince: number;
  /** It has a buffer of its own. */
  readonly owns: boolean;
  /** Somebody still needs what was read last: reads into a new buffer from now on. */
  renew(): void;
}

/** Connections to one target. */
export interface Pool {
  /** An idle connection; null when there is none. */
  take(user: User): Connection | null;
  /** A new one; `user.connected` or `user.over` tells. */
  open(user: User): Connection;
  /** Gives a connection back, with all of an answer read from it. */
  give(connection: Connection): void;
  /** Closes what has been idle for too long. */
  sweep(): void;
  /** Closes what is idle, and from now on whatever is given back. */
  destroy(): void;
}

const MAX_IDLE = 1024;
const MAX_IDLE_MS = 60_000;

/** Holds the head and 64 KiB of an answer, which many servers send at once. */
const BUFFER_BYTES = 128 * 1024;
/**
 * So many connections of the process have a buffer of their own, which can be written to a client
 * as it is. All others read into one: what is in it is used up before the next read, or copied.
 */
const MAX_OWNERS = 64;
const SHARED = Buffer.allocUnsafeSlow(BUFFER_BYTES);
let owners = 0;
/** Of owners that are closed; as many as there were owners at once, at most. */
const unused: Buffer[] = [];

export function createPool({ host, port }: Address, clock: Clock): Pool {
  const idle: Connection[] = [];
  let destroyed = false;

  function take(user: User): Connection | null {
    for (;;) {
      const connection = idle.pop();
      if (connection === undefined) return null;
      if (connection.socket.destroyed) continue;
      connection.user = user;
      return connection;
    }
  }

  function open(user: User): Connection {
    const owns = owners < MAX_OWNERS;
    let buffer = owns ? newBuffer() : SHARED;
    const onread = {
      // Asked after each read, for the next one.
      buffer: owns ? () => buffer : SHARED,
      callback: (size: number, into: Uint8Array) => onData(connection, into as Buffer, size),
    };
    const socket = connect({ host, port, noDelay: true, onread });
    const connection: Connection = {
      ...{ socket, user, reused: false, idleSince: 0, owns },
      renew: () => (buffer = newBuffer()),
    };
    if (owns) {
      owners++;
      socket.once("close", () => {
        owners--;
        unused.push(buffer);
      });
    }
    socket.on("connect", () => connection.user?.connected());
    socket.on("drain", () => connection.user?.drained());
    socket.on("error", () => undefined);
    socket.on("end", () => onOver(connection, true));
    socket.on("close", () => {
      letGo(socket);
      onOver(connection, false);
    });
    return connection;
  }

  function onOver(connection: Connection, clean: boolean): void {
    const { user } = connection;
    connection.user = null;
    if (user !== null) return user.over(clean);
    connection.socket.destroy();
    const at = idle.indexOf(connection);
    if (at !== -1) idle.splice(at, 1);
  }

  return {
    take,
    open,
    give(connection) {
      if (destroyed || idle.length >= MAX_IDLE || connection.socket.destroyed) {
        return dropConnection(connection);
      }
      connection.user = null;
      connection.reused = true;
      connection.idleSince = clock.now();
      idle.push(connection);
    },
    sweep() {
      const before = clock.now() - MAX_IDLE_MS;
      while (idle.length > 0 && (idle[0] as Connection).idleSince < before) {
        dropConnection(idle.shift() as Connection);
      }
    },
    destroy() {
      destroyed = true;
      for (const connection of idle.splice(0)) dropConnection(connection);
    },
  };
}

function newBuffer(): Buffer {
  return unused.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
}

function onData(connection: Connection, into: Buffer, size: number): boolean {
  if (connection.user !== null) return connection.user.data(into.subarray(0, size));
  // An app that speaks unasked: nobody may take that for the answer to the next request.
  connection.socket.destroy();
  return true;
}

/** Ends a connection without a word to its user. */
export function dropConnection(connection: Connection): void {
  connection.user = null;
  connection.socket.destroy();
}
