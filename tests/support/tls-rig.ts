import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ExecutionContext } from "ava";
import type { RouteCertificate } from "../../router/contract.ts";
import type { TlsParts } from "../../router/host-tls.ts";
import type { RouterOptions } from "../../router/server.ts";
import { createIssuer, type Issuer, type Pair } from "./certificates.ts";
import { eventually, startRouter, type RouterRig } from "./router-rig.ts";

export interface TlsRig extends RouterRig {
  tlsPort: number;
  issuer: Issuer;
  /** What it serves at first. */
  certificates: RouteCertificate[];
}

/** A router with a TLS port, and a certificate for `shop.test` that it serves. */
export async function startTlsRouter(
  t: ExecutionContext,
  options: Omit<Partial<RouterOptions>, "tls"> & { tls?: Partial<TlsParts> } = {},
): Promise<TlsRig> {
  const tls = { openKey: ({ key }: RouteCertificate) => key, ...options.tls };
  const rig = await startRouter(t, { ...options, tls });
  const tlsPort = await rig.router.listenTls({ port: 0, host: "127.0.0.1" });
  const issuer = await createIssuer();
  const certificates = [kept(await issuer.issue(["shop.test"]), ["shop.test"])];
  rig.router.setCertificates(certificates);
  return { ...rig, tlsPort, issuer, certificates };
}

/** As the store has it, with the key in clear. */
export function kept(
  { cert, key }: Pair,
  names: string[],
  more: Partial<RouteCertificate> = {},
): RouteCertificate {
  const id = createHash("sha256").update(cert).digest("hex").slice(0, 12);
  const times = { notBefore: Date.now(), notAfter: Date.now() + 86_400_000 };
  return { id, app: "shop", names, source: "own", chain: cert, key, ...times, ...more };
}

export interface TlsClient {
  socket: TLSSocket;
  text(): string;
  closed(): boolean;
  write(text: string): void;
  /** Waits until the text matches, or fails after 10 s. */
  until(pattern: RegExp): Promise<string>;
  /** Waits for the connection's end. */
  end(): Promise<string>;
}

/** Rejects when the handshake fails, or the certificate is not of the rig's issuer. */
export async function tlsClient(
  t: ExecutionContext,
  rig: Pick<TlsRig, "tlsPort" | "issuer">,
  { text: first = "", ...options }: ConnectionOptions & { text?: string } = {},
): Promise<TlsClient> {
  const socket = connect({
    port: rig.tlsPort,
    host: "127.0.0.1",
    servername: "shop.test",
    ca: rig.issuer.cert,
    ...options,
  });
  let text = "";
  let closed = false;
  t.teardown(() => socket.destroy());
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("close", () => (closed = true));
  await once(socket, "secureConnect");
  socket.on("error", () => undefined);
  if (first) socket.write(first, "latin1");
  return {
    socket,
    text: () => text,
    closed: () => closed,
    write: (more) => void socket.write(more, "latin1"),
    async until(pattern) {
      await eventually(
        () => pattern.test(text),
        () => `${pattern} in ${JSON.stringify(text)}`,
      );
      return text;
    },
    async end() {
      await eventually(
        () => closed,
        () => `the end after ${JSON.stringify(text)}`,
      );
      return text;
    },
  };
}
