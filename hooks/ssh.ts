import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import ssh2, {
  type AuthContext,
  type Connection,
  type PublicKeyAuthContext,
  type Session,
} from "ssh2";
import type { Access, Identity, Via } from "../apps/access.ts";
import { addressOf } from "../apps/audit-http.ts";
import type { Log } from "../apps/log.ts";
import { fingerprintOf } from "../apps/public-key.ts";
import { createDoorman, type LIMITS } from "./ssh-doorman.ts";
import { createExec, type ExecOptions } from "./ssh-exec.ts";
import { ensureHostKey } from "./ssh-host-key.ts";

interface Options extends ExecOptions {
  access: Pick<Access, "may" | "findKey" | "createToken" | "revokeToken">;
  hostKeyFile: string;
  log: Log;
  limits?: typeof LIMITS;
}

const MAX_ATTEMPTS = 8;
const MAX_SESSIONS = 8;

/** Neither SHA-1 nor compression, which would unpack what strangers send. ssh2 adds strict key exchange. */
const ALGORITHMS: ssh2.Algorithms = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
  ],
  serverHostKey: ["ssh-ed25519"],
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr"],
  hmac: [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
  ],
  compress: ["none"],
};

/** Git and the platform's commands over SSH, for the public keys in the store. */
export function createSshServer(options: Options) {
  const { access, audit, log, hostKeyFile } = options;
  const doorman = createDoorman(options.limits);
  const exec = createExec(options);
  const stopping = new AbortController();
  let inner: ssh2.Server | null = null;
  // A server of our own in front, since ssh2 shows a connection only after it has said something.
  const server = createServer((socket) => {
    doorman.admit(socket);
    inner?.injectSocket(socket);
  });
  server.on("error", (error) => log.error({ error: error.message }, "ssh server"));

  function welcome(connection: Connection): void {
    const socket = Reflect.get(connection, "_sock") as Socket;
    const via: Via = { over: "ssh", address: addressOf({ socket }) };
    let identity: Identity | null = null;
    let fingerprint = "";
    let attempts = 0;
    const authenticate = async (context: AuthContext): Promise<void> => {
      const found = await prove(context);
      // accept() lets the client in at once, so who it is comes first.
      if (found && context.method === "publickey" && context.signature !== undefined) {
        identity = { ...found, via };
        fingerprint = fingerprintOf(context.key.data);
      }
      if (found) context.accept();
      else context.reject(["publickey"]);
    };
    connection.on("error", (error: Error) => log.debug({ error: error.message }, "ssh connection"));
    connection.on("authentication", (context) => {
      attempts++;
      if (attempts > MAX_ATTEMPTS) connection.end();
      else void authenticate(context).catch(() => connection.end());
    });
    connection.on("ready", () => {
      if (!identity || !doorman.prove(socket)) return connection.end();
      void audit.record(identity, via, { action: "sign-in" });
      const who = async () => {
        const known = await access.findKey(fingerprint);
        return known && { ...known.identity, via };
      };
      return takeSessions(connection, who, serverAddress(socket));
    });
    connection.once("close", () => {
      if (identity || attempts === 0) return;
      const refusal = { action: "sign-in", outcome: "refused", error: "not-signed-in" } as const;
      void audit.record(null, via, refusal);
    });
  }

  /**
   * Whose key the request is about. A client may first ask, unsigned, whether a key would do; only
   * the key that signed says who the client is (CVE-2024-45337).
   */
  async function prove(context: AuthContext): Promise<Identity | null> {
    if (context.method !== "publickey") return null;
    try {
      const known = await access.findKey(fingerprintOf(context.key.data));
      return known && isWellSigned(context, known.publicKey) ? known.identity : null;
    } catch (error) {
      log.warn({ error: String(error) }, "a key could not be looked up");
      return null;
    }
  }

  function takeSessions(
    connection: Connection,
    who: () => Promise<Identity | null>,
    at: string,
  ): void {
    let open = 0;
    connection.on("session", (accept, reject) => {
      if (open >= MAX_SESSIONS) {
        reject();
        return;
      }
      const session = accept();
      if (!canReceive(session)) {
        connection.end();
        return;
      }
      open++;
      session.once("close", () => open--);
      exec(session, who, at, stopping.signal);
    });
  }

  return {
    async listen(port: number, host: string): Promise<number> {
      const hostKeys = [await ensureHostKey(hostKeyFile)];
      inner = new ssh2.Server({ hostKeys, algorithms: ALGORITHMS, ident: "teal" }, welcome);
      inner.on("error", (error: Error) => log.error({ error: error.message }, "ssh server"));
      server.listen(port, host);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    /** Ends all connections; deploys go on. */
    async close(): Promise<void> {
      stopping.abort();
      const closed = server.listening ? once(server, "close") : null;
      server.close();
      doorman.closeAll();
      await closed;
    },
  };
}

/** Such as `ssh://teal@192.0.2.7:2222`. */
function serverAddress({ localAddress = "localhost", localPort }: Socket): string {
  const host = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return `ssh://teal@${host.includes(":") ? `[${host}]` : host}:${localPort}`;
}

/** An unsigned request only asks whether the key would do; that needs no signature. */
function isWellSigned(context: PublicKeyAuthContext, publicKey: string): boolean {
  const key = ssh2.utils.parseKey(publicKey);
  if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return false;
  if (!context.signature) return true;
  if (context.key.algo === "ssh-rsa" && !context.hashAlgo) return false;
  // The types hide that it can also be an Error.
  const verdict: unknown = key.verify(context.blob!, context.signature, context.hashAlgo);
  return verdict === true;
}

/** A client that takes packets of 0 bytes would have ssh2 send nothing for ever, in one turn of the loop. */
function canReceive(session: Session): boolean {
  // Neither this nor the socket is shown by ssh2.
  const info = Reflect.get(session, "_chanInfo") as { outgoing: { packetSize: number } };
  return info.outgoing.packetSize >= 1024;
}
