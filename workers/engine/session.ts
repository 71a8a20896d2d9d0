import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { Server, ServerCredentials, status, type sendUnaryData } from "@grpc/grpc-js";
import type Docker from "dockerode";
import protobuf from "protobufjs";

export interface BuildQuery {
  dockerfile: string;
  t: string;
  labels: Record<string, string>;
  buildargs: Record<string, string>;
  target?: string;
  nocache?: boolean;
}

/**
 * Runs one BuildKit build and gives the engine's answer to `read`. BuildKit asks for registry
 * credentials and for secrets over a second connection, which is opened and closed here.
 * @param secrets id to value; a build has no others
 */
export async function buildInSession<T>(
  docker: Docker,
  query: BuildQuery,
  secrets: Record<string, string>,
  context: Readable,
  signal: AbortSignal,
  read: (answer: Readable) => Promise<T>,
): Promise<T> {
  const session = await openSession(docker, secrets);
  try {
    signal.throwIfAborted();
    return await read(
      await post(docker, { ...query, version: "2", session: session.id }, context, signal),
    );
  } finally {
    session.close();
  }
}

/** The parts of BuildKit's `moby.filesync.v1.Auth` and `moby.buildkit.secrets.v1.Secrets` that are answered. */
const { root } = protobuf.parse(`syntax = "proto3";
message CredentialsRequest { string Host = 1; }
message CredentialsResponse { string Username = 1; string Secret = 2; }
message GetSecretRequest { string ID = 1; map<string, string> annotations = 2; }
message GetSecretResponse { bytes data = 1; }
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }`);

function method(path: string, request: string, response: string) {
  const [asked, answered] = [root.lookupType(request), root.lookupType(response)];
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => asked.toObject(asked.decode(bytes)),
    requestSerialize: (value: object) => Buffer.from(asked.encode(value).finish()),
    responseSerialize: (value: object) => Buffer.from(answered.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => answered.toObject(answered.decode(bytes)),
  };
}

const AUTH = {
  credentials: method(
    "/moby.filesync.v1.Auth/Credentials",
    "CredentialsRequest",
    "CredentialsResponse",
  ),
};
const SECRETS = {
  getSecret: method(
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "GetSecretRequest",
    "GetSecretResponse",
  ),
};

/** BuildKit asks twice a second, and ends a session that does not answer. */
const HEALTH = {
  check: method("/grpc.health.v1.Health/Check", "HealthCheckRequest", "HealthCheckResponse"),
};
const SERVING = 1;

type Answer = sendUnaryData<object>;

function openSession(
  docker: Docker,
  secrets: Record<string, string>,
): Promise<{ id: string; close(): void }> {
  const id = randomUUID();
  const server = new Server();
  // What private images need is pulled before a build: the engine is told no password.
  server.addService(AUTH, { credentials: (_call: unknown, answer: Answer) => answer(null, {}) });
  server.addService(HEALTH, {
    check: (_call: unknown, answer: Answer) => answer(null, { status: SERVING }),
  });
  server.addService(SECRETS, {
    getSecret({ request }: { request: { ID?: string } }, answer: Answer) {
      const name = request.ID ?? "";
      if (Object.hasOwn(secrets, name))
        return answer(null, { data: Buffer.from(secrets[name] ?? "") });
      return answer({ code: status.NOT_FOUND, details: `there is no secret ${name}` });
    },
  });
  const request = {
    method: "POST",
    path: "/session",
    hijack: true,
    headers: {
      Upgrade: "h2c",
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Name": "teal",
      // BuildKit asks for nothing that is not named here.
      "X-Docker-Expose-Session-Grpc-Method": [AUTH.credentials.path, SECRETS.getSecret.path],
    },
    statusCodes: { 200: true, 500: "server error" },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: Error | null, socket: unknown) => {
      if (error) return reject(error);
      if (!(socket instanceof Socket)) return reject(new Error("the engine takes no sessions"));
      socket.on("error", () => socket.destroy());
      server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
      return resolve({
        id,
        close() {
          server.forceShutdown();
          socket.destroy();
        },
      });
    });
  });
}

function post(
  docker: Docker,
  options: object,
  file: Readable,
  abortSignal: AbortSignal,
): Promise<Readable> {
  const statusCodes = { 200: true, 400: "bad parameter", 500: "server error" };
  const request = {
    path: "/build?",
    method: "POST",
    file,
    options,
    abortSignal,
    isStream: true,
    statusCodes,
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: Error | null, answer: unknown) => {
      if (error) reject(error);
      else resolve(answer as Readable);
    });
  });
}
