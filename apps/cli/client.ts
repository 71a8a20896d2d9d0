import { request as httpRequest, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { ERRORS, TealError, type ErrorCode } from "../errors.ts";
import type { Server } from "./server.ts";

/** An error that the platform answered with; its words are the platform's. */
export class Refusal extends Error {
  readonly code: string;
  readonly says: string;
  readonly todo: string;
  readonly exit: number;

  constructor(problem: { title: string; detail: string; todo: string; status: number }) {
    super(problem.detail);
    this.code = problem.title;
    this.says = problem.detail;
    this.todo = problem.todo;
    this.exit = ERRORS[problem.title as ErrorCode]?.exit ?? exitOfStatus(problem.status);
  }
}

export interface StreamEvent {
  id: string | null;
  event: string;
  data: unknown;
}

export interface Client {
  /** @throws Refusal, TealError unreachable */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  delete<T>(path: string, body?: unknown): Promise<T>;
  /** Sends a stream as it is. */
  upload<T>(path: string, body: Readable): Promise<T>;
  /** Server-sent events up to and with `end`, resumed where the connection was cut. */
  events(path: string): AsyncGenerator<StreamEvent>;
}

/** In ms; the platform's own deadline is shorter. */
const ANSWER_TIMEOUT = 15_000;
const UPLOAD_TIMEOUT = 15 * 60_000;
const RECONNECTS = 30;

export function createClient({ url, token }: Server): Client {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await send(method, path, {}, body);
    const text = await textOf(response);
    if ((response.statusCode ?? 0) >= 300) throw refusalOf(response, text);
    return (text ? JSON.parse(text) : undefined) as T;
  };
  return {
    get: (path) => call("GET", path),
    post: (path, body = {}) => call("POST", path, body),
    delete: (path, body) => call("DELETE", path, body),
    upload: async (path, body) => {
      const answer = await send("POST", path, { "Content-Type": "application/gzip" }, body);
      const text = await textOf(answer);
      if ((answer.statusCode ?? 0) >= 300) throw refusalOf(answer, text);
      return JSON.parse(text) as never;
    },
    events,
  };

  async function* events(path: string): AsyncGenerator<StreamEvent> {
    let lastId: string | null = null;
    for (let tries = 0; tries <= RECONNECTS; tries++) {
      try {
        const resume: Record<string, string> = lastId === null ? {} : { "Last-Event-ID": lastId };
        const response = await send("GET", path, { Accept: "text/event-stream", ...resume });
        if (response.statusCode !== 200) throw refusalOf(response, await textOf(response));
        for await (const event of parseEvents(response)) {
          lastId = event.id ?? lastId;
          tries = 0;
          yield event;
          if (event.event === "end") return;
        }
      } catch (error) {
        const passing = !(error instanceof Refusal) || error.code === "store-unavailable";
        if (!passing || (tries === 0 && lastId === null)) throw error;
      }
      await sleep(1000);
    }
    throw new TealError("unreachable", { url: url.origin, detail: "the log broke off" });
  }

  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<IncomingMessage> {
    const request = url.protocol === "https:" ? (await import("node:https")).request : httpRequest;
    const stream = body instanceof Readable ? body : null;
    const payload = body === undefined || stream ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(new URL(`api/v1${path}`, `${url.href.replace(/\/*$/, "")}/`), {
        method,
        headers: {
          Accept: "application/json",
          ...(token && { Authorization: `Bearer ${token}` }),
          ...(payload && {
            "Content-Type": "application/json",
            "Content-Length": Buffer.byteLength(payload),
          }),
          ...headers,
        },
      });
      const limit = stream ? UPLOAD_TIMEOUT : ANSWER_TIMEOUT;
      const timer = setTimeout(() => sent.destroy(new Error("it took too long")), limit);
      sent.once("response", (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      sent.once("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(
          new TealError("unreachable", { url: url.origin, detail: error.code ?? error.message }),
        );
      });
      if (!stream) {
        sent.end(payload);
        return;
      }
      // The platform may answer before all is sent, and that answer says why.
      sent.once("response", () => stream.unpipe(sent));
      stream.once("error", (error) => sent.destroy(error));
      stream.pipe(sent);
    });
  }
}

export async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

export function refusalOf(response: IncomingMessage, text: string): Refusal {
  const status = response.statusCode ?? 0;
  if (response.headers["content-type"]?.startsWith("application/problem+json")) {
    return new Refusal(JSON.parse(text));
  }
  const detail = `A platform was expected there, and it answered with status ${status}.`;
  return new Refusal({ title: "unreachable", detail, todo: "Look at TEAL_URL.", status });
}

function exitOfStatus(status: number): number {
  if (status === 400) return 2;
  if (status === 401 || status === 403) return 3;
  if (status === 404) return 4;
  return status === 409 ? 5 : 1;
}

async function* parseEvents(response: IncomingMessage): AsyncGenerator<StreamEvent> {
  response.setEncoding("utf8");
  let pending = "";
  for await (const chunk of response) {
    const blocks = (pending + chunk).split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
  }
}

function parseEvent(block: string): StreamEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name) fields.set(name, value ?? "");
  }
  const data = fields.get("data");
  if (data === undefined) return null;
  return {
    id: fields.get("id") ?? null,
    event: fields.get("event") ?? "message",
    data: JSON.parse(data),
  };
}
