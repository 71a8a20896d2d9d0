import { createRequire } from "node:module";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import type Docker from "dockerode";

type Request = Parameters<Docker["modem"]["dial"]>[0];
type Dial = (request: Request, answered: (error: Error | null, answer: unknown) => void) => void;

type WithSession = (
  docker: { modem: { dial: Dial } },
  auth: undefined,
  handler: (error: Error | null, id: string | null, done: () => void) => void,
) => void;

/** dockerode's own part for sessions; it has no types. */
const withSession = createRequire(import.meta.url)("dockerode/lib/session.js") as WithSession;

export interface BuildQuery {
  dockerfile: string;
  t: string;
  labels: Record<string, string>;
  buildargs: Record<string, string>;
}

/**
 * Runs one BuildKit build and gives the engine's answer to `read`. BuildKit asks for registry
 * credentials over a second connection; `docker.buildImage` leaves that one open when a build is
 * cut off, so it is opened and closed here.
 */
export async function buildInSession<T>(
  docker: Docker,
  query: BuildQuery,
  context: Readable,
  signal: AbortSignal,
  read: (answer: Readable) => Promise<T>,
): Promise<T> {
  const session = await openSession(docker);
  try {
    signal.throwIfAborted();
    return await read(
      await post(docker, { ...query, version: "2", session: session.id }, context, signal),
    );
  } finally {
    session.close();
  }
}

function openSession(docker: Docker): Promise<{ id: string; close(): void }> {
  return new Promise((resolve, reject) => {
    let socket: Socket | null = null;
    // Only a connection that was upgraded may reach the session, and none may throw on its own.
    const dial: Dial = (request, answered) =>
      docker.modem.dial(request, (error: Error | null, answer: unknown) => {
        if (error) return answered(error, null);
        if (!(answer instanceof Socket)) {
          return answered(new Error("the engine takes no sessions"), null);
        }
        socket = answer.on("error", () => socket?.destroy());
        return answered(null, answer);
      });
    withSession({ modem: { dial } }, undefined, (error, id, done) => {
      const close = (): void => {
        done();
        socket?.destroy();
      };
      if (error || id === null) reject(error ?? new Error("the engine gave no session"));
      else resolve({ id, close });
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
