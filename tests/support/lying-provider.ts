import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import type { Pair } from "./certificates.ts";

/** What it does otherwise than an honest provider. */
export interface Lie {
  /** The ID token is signed by a key that is not in the provider's list. */
  otherKey?: boolean;
  /** It is not signed at all. */
  unsigned?: boolean;
  /** Claims of the ID token that are not as they were asked for. */
  claims?: Record<string, unknown>;
  /** Fields of what it says of itself. */
  metadata?: Record<string, unknown>;
  /** Status and body of its token endpoint. */
  token?: [status: number, body: unknown];
  /** Added to the address that the browser is sent back to. */
  answer?: Record<string, string>;
}

/** A provider made by hand, for what a real one would not do. With `pair` it speaks TLS, as `localhost`. */
export async function startLyingProvider(clientId: string, pair?: Pair) {
  const own = await generateKeyPair("RS256");
  const other = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(own.publicKey)), kid: "one", alg: "RS256", use: "sig" };
  let lie: Lie = {};
  let nonce = "";
  let asked: string[] = [];
  const server = pair ? createTlsServer(pair) : createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const issuer = pair ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;

  const metadata = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    ...lie.metadata,
  });

  async function idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: issuer, aud: clientId, sub: "ann-there", nonce, iat: now, exp: now + 60 },
      ...{ email: "ann@example.org", email_verified: true },
      ...lie.claims,
    };
    if (lie.unsigned) return new UnsecuredJWT(claims).encode();
    const key = lie.otherKey ? other.privateKey : own.privateKey;
    return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key);
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", issuer);
    asked.push(url.pathname);
    const json = (body: unknown, status = 200) =>
      res
        .writeHead(status, { "Content-Type": "application/json" })
        .end(typeof body === "string" ? body : JSON.stringify(body));
    if (url.pathname === "/.well-known/openid-configuration") return void json(metadata());
    if (url.pathname === "/keys") return void json({ keys: [jwk] });
    if (url.pathname === "/authorize") {
      nonce = url.searchParams.get("nonce") ?? "";
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      const more = { code: "a-code", state: url.searchParams.get("state") ?? "", ...lie.answer };
      back.search = new URLSearchParams(more).toString();
      return void res.writeHead(303, { Location: back.href }).end();
    }
    if (url.pathname === "/token") {
      if (lie.token) return void json(lie.token[1], lie.token[0]);
      const id_token = await idToken();
      return void json({ access_token: "an-access-token", token_type: "Bearer", id_token });
    }
    res.writeHead(404).end();
  }
  server.on("request", (req: IncomingMessage, res: ServerResponse) => void answer(req, res));

  return {
    issuer,
    /** What it was asked for, by path, since the last `tell`. */
    asked: () => asked,
    tell(next: Lie): void {
      lie = next;
      asked = [];
    },
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
