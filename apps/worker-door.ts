import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { type ErrorCode, TealError } from "./errors.ts";
import { MOST_MESSAGE } from "./run-protocol.ts";

/** What the workers of this machine are asked live, over their unix sockets: they alone talk to Docker. */
export interface WorkerDoor {
  /**
   * Asks one worker, the first that answers.
   * @param times how long one is waited for that restarts (10 s unless said), and for an answer (30 s)
   * @throws no-worker, and what the worker refuses with
   */
  ask<T>(method: "GET" | "POST", path: string, body?: unknown, times?: Times): Promise<T>;
  /** A connection to the worker that has what the path names. @throws run-not-found, no-worker */
  connect(path: string): Promise<WebSocket>;
}

interface Times {
  patienceMs?: number;
  answerMs?: number;
}

const ANSWER_MS = 30_000;
/** A worker that restarts is waited for. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 250;

/** @param run the platform's folder of sockets */
export function createWorkerDoor({ run }: { run: string }): WorkerDoor {
  async function sockets(): Promise<string[]> {
    const names = await readdir(run).catch(() => []);
    return names.filter((name) => /^worker-\w+\.sock$/.test(name)).map((name) => join(run, name));
  }

  return {
    async ask<T>(method: string, path: string, body?: unknown, times: Times = {}) {
      const { patienceMs = PATIENCE_MS, answerMs = ANSWER_MS } = times;
      const over = performance.now() + patienceMs;
      do {
        for (const socketPath of await sockets()) {
          const answer = await call({ socketPath, method, path, timeout: answerMs }, body);
          if (answer !== null) return read(answer) as T;
        }
        await sleep(AGAIN_MS);
      } while (performance.now() < over);
      throw new TealError("no-worker");
    },
    async connect(path) {
      let reached = false;
      for (const socketPath of await sockets()) {
        const found = await open(`ws+unix:${socketPath}:${path}`);
        if (found instanceof WebSocket) return found;
        reached ||= found === "elsewhere";
      }
      throw reached ? new TealError("run-not-found") : new TealError("no-worker");
    },
  };
}

interface Answer {
  status: number;
  text: string;
}

/** Null when nobody listens there. */
function call(
  where: { socketPath: string; method: string; path: string; timeout: number },
  body: unknown,
): Promise<Answer | null> {
  return new Promise((resolve, reject) => {
    const sent = request(where, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.once("error", reject);
    });
    sent.once("timeout", () => sent.destroy(new Error("the worker does not answer")));
    sent.once("error", (error: NodeJS.ErrnoException) => {
      if (["ECONNREFUSED", "ENOENT"].includes(error.code ?? "")) resolve(null);
      else reject(new TealError("no-worker", {}, { cause: error }));
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function read({ status, text }: Answer): unknown {
  const answer = JSON.parse(text) as unknown;
  if (status === 200) return answer;
  const { code, params } = answer as { code: ErrorCode; params: Record<string, unknown> };
  throw new TealError(code, params);
}

function open(url: string): Promise<WebSocket | "nobody" | "elsewhere"> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { maxPayload: MOST_MESSAGE, perMessageDeflate: false });
    socket.once("open", () => {
      // Not before, when it does nothing; what comes at once waits for whoever listens.
      socket.pause();
      resolve(socket);
    });
    socket.once("unexpected-response", (sent) => {
      resolve("elsewhere");
      sent.destroy();
    });
    socket.once("error", () => resolve("nobody"));
  });
}
