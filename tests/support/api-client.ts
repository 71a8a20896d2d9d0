import { connect } from "node:net";
import { z } from "zod";
import { apiRoutes } from "../../apps/api/api.ts";
import { problemSchema } from "../../apps/api/schemas.ts";
import type { TestApi } from "./api.ts";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON. */
  json: any;
}

export interface Sending {
  token?: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: string;
  headers?: Record<string, string>;
}

/** One request to the API, `path` under /api/v1; by the admin unless another token (or "") is given. */
export async function call(
  api: TestApi,
  method: string,
  path: string,
  sending: Sending = {},
): Promise<Answer> {
  const { token = api.tokens.admin, body, raw, headers = {} } = sending;
  const response = await fetch(`${api.url}/api/v1${path}`, {
    method,
    redirect: "manual",
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...((body !== undefined || raw !== undefined) && { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(raw !== undefined && { body: raw }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

/**
 * Sends bytes as they are and gives all that comes back; ends when the other side does, or after 5 s.
 * @param breakOff nothing more is sent, and said so
 */
export function sendRaw(port: number, text: string, breakOff = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () =>
      breakOff ? socket.end(text) : socket.write(text),
    );
    let got = "";
    socket.setTimeout(5000, () => socket.destroy());
    socket.on("data", (chunk) => (got += chunk.toString("latin1")));
    socket.on("close", () => resolve(got));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
  });
}

/** Reads server-sent events until `enough`, or the end. */
export async function readEvents(
  api: TestApi,
  path: string,
  headers: Record<string, string>,
  enough: (events: SentEvent[]) => boolean,
): Promise<SentEvent[]> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 20_000);
  const response = await fetch(api.url + path, { headers, signal: stop.signal });
  if (!response.ok || !response.body) throw new Error(`${path} answered ${response.status}`);
  const events: SentEvent[] = [];
  let pending = "";
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (pending + chunk).split("\n\n");
      pending = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
        const data = field("data");
        if (data !== undefined)
          events.push({ id: field("id"), event: field("event"), data: JSON.parse(data) });
      }
      if (enough(events)) break;
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  return events;
}

export interface SentEvent {
  id: string | undefined;
  event: string | undefined;
  data: any;
}

/** A call whose answer must be what the schema of its route (`template`) says. */
export async function checkedCall(
  api: TestApi,
  method: string,
  path: string,
  template: string,
  sending?: Sending,
): Promise<Answer> {
  const answer = await call(api, method, path, sending);
  const route = apiRoutes(api.options).find(
    (one) => one.method === method.toLowerCase() && one.path === template,
  );
  const schema = answer.status < 300 ? (route?.answer ?? z.undefined()) : problemSchema;
  const parsed = (schema instanceof z.ZodObject ? schema.strict() : schema).safeParse(answer.json);
  if (!parsed.success)
    throw new Error(`${method} ${path}: ${parsed.error.message}\n${answer.text}`);
  return answer;
}
