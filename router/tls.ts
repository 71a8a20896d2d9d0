import type { Socket } from "node:net";
import { TLSSocket, type SecureContext } from "node:tls";
import type { Clock } from "./clock.ts";
import { NO_HELLO, readHello, type Hello } from "./hello.ts";
import { letGo } from "./let-go.ts";
import { createRoster, type Member } from "./roster.ts";

export interface TlsOptions {
  clock: Clock;
  /** From the connection to the end of the handshake, ms. */
  handshakeMs: number;
  /** The certificate to answer a host with; null when there is none. */
  contextFor(servername: string): SecureContext | null;
  /** The certificate that proves to an ACME server that the host is ours (RFC 8737). */
  proofFor(servername: string): Promise<SecureContext | null>;
  /** The handshake is done, on the connection `under` it. */
  secured(socket: TLSSocket, servername: string, under: Socket): void;
}

interface Waiting extends Member {
  socket: Socket;
  /** Of the handshake, on the clock. */
  deadline: number;
}

/** From a TCP connection to a TLS one. */
export interface TlsGate {
  enter(socket: Socket): void;
  /** Connections whose handshake is not done. */
  waiting(): number;
  cut(): void;
}

const PROOF = "acme-tls/1";
const ALPN = ["h2", "http/1.1"];
/** Descriptions of fatal alerts (RFC 8446, section 6). */
const ALERT = { decode: 50, internal: 80, name: 112 } as const;

/**
 * The hello is read before OpenSSL sees it: which certificate is shown, and whether one is shown at
 * all, is decided in one place, and no name that a client makes up reaches a callback in a handshake.
 */
export function createTlsGate(options: TlsOptions): TlsGate {
  const { clock, handshakeMs } = options;
  const waiting = createRoster<Waiting>();
  clock.every((now) => {
    for (const { socket, deadline } of waiting.all()) if (now >= deadline) socket.destroy();
  });

  function enter(socket: Socket): void {
    let bytes: Buffer | null = null;
    const entry = { place: -1, socket, deadline: clock.now() + handshakeMs };
    waiting.add(entry);
    socket.on("close", () => {
      waiting.delete(entry);
      letGo(socket);
    });
    // A client may reset at any time.
    socket.on("error", () => undefined);
    socket.on("data", look);

    function look(chunk: Buffer): void {
      bytes = bytes === null ? chunk : Buffer.concat([bytes, chunk]);
      const hello = readHello(bytes);
      if (hello === null) return;
      socket.off("data", look);
      socket.pause();
      if (hello === NO_HELLO) return refuse(socket, ALERT.decode);
      socket.unshift(bytes);
      choose(entry, hello);
    }
  }

  function choose(entry: Waiting, { servername, protocols }: Hello): void {
    const { socket } = entry;
    if (protocols.includes(PROOF)) return void prove(entry, servername);
    try {
      const secureContext = servername === "" ? null : options.contextFor(servername);
      if (secureContext === null) return refuse(socket, ALERT.name);
      const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ALPN });
      shake(entry, secure, () => options.secured(secure, servername, socket));
    } catch {
      refuse(socket, ALERT.internal);
    }
  }

  /** Such a connection is over when its handshake is. */
  async function prove(entry: Waiting, servername: string): Promise<void> {
    const { socket } = entry;
    try {
      const secureContext = servername === "" ? null : await options.proofFor(servername);
      if (socket.destroyed) return;
      if (secureContext === null) return refuse(socket, ALERT.name);
      const alpn = [PROOF];
      const secure = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: alpn });
      shake(entry, secure, () => secure.end());
    } catch {
      refuse(socket, ALERT.internal);
    }
  }

  function shake(entry: Waiting, secure: TLSSocket, done: () => void): void {
    secure.on("error", () => secure.destroy());
    secure.on("_tlsError", () => secure.destroy());
    secure.once("secure", () => {
      waiting.delete(entry);
      // As a tls.Server does; HTTP/2 sessions wait for it.
      Object.assign(secure, { secureConnecting: false });
      done();
    });
  }

  function refuse(socket: Socket, description: number): void {
    socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
    socket.resume();
  }

  return {
    enter,
    waiting: () => waiting.size,
    cut() {
      for (const { socket } of waiting.all()) socket.destroy();
    },
  };
}
