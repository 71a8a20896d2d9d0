/**
 * A load client in a process of its own: `node load-client.ts PORT HOST CONNECTIONS LEAST FILE`.
 * Keep-alive connections that ask `GET /` one request after the other, a few WebSockets and slow
 * downloads beside them. Ends once it has had SIGTERM and LEAST answers, or after four minutes, and
 * writes all that it saw to FILE.
 * Times are of the machine's monotonic clock, ms: comparable between processes.
 */
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { connect, type Socket } from "node:net";
import WebSocket from "ws";

export interface LoadResult {
  /** One row per answered request: start, end, index into `versions`. */
  rows: [number, number, number][];
  versions: string[];
  /** Explicit 503 answers. */
  refused: number;
  /** What was lost, each with a word on how. */
  lost: string[];
  downloads: number;
  messages: number;
  /** WebSockets that the platform closed with a code that says so (1001, 1012). */
  drained: number;
}

const [port, host, connections, least, file] = process.argv.slice(2);
const result: LoadResult = {
  ...{ rows: [], versions: [], refused: 0, lost: [], downloads: 0, messages: 0, drained: 0 },
};
const REQUEST = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const LIMIT_MS = 240_000;
let asked = false;
let ending = false;

const clock = () => Number(process.hrtime.bigint() / 1000n) / 1000;

function versionIndex(version: string): number {
  const at = result.versions.indexOf(version);
  return at >= 0 ? at : result.versions.push(version) - 1;
}

/** Length of the first whole answer in `text`, or 0. Bodies here are short and by Content-Length or chunked. */
function wholeAnswer(text: string): { length: number; body: string } | null {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return null;
  const sized = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
  if (sized) {
    const length = head + 4 + Number(sized[1]);
    return text.length < length ? null : { length, body: text.slice(head + 4, length) };
  }
  const end = text.indexOf("\r\n0\r\n\r\n", head);
  if (end < 0) return null;
  return { length: end + 7, body: text.slice(head + 4, end).replace(/^[0-9a-f]+\r\n/i, "") };
}

function keepAsking(): Promise<void> {
  return new Promise((resolve) => {
    const open = () => {
      const socket: Socket = connect(Number(port), "127.0.0.1");
      let text = "";
      let start = 0;
      const ask = () => {
        if (ending) {
          socket.end(resolve);
        } else {
          start = clock();
          socket.write(REQUEST);
        }
      };
      socket.setNoDelay(true);
      socket.setEncoding("latin1");
      socket.on("connect", ask);
      socket.on("data", (chunk: string) => {
        text += chunk;
        const answer = wholeAnswer(text);
        if (!answer) return;
        record(text, answer.body, start);
        const closes = /\r\nconnection: close/i.test(text.slice(0, text.indexOf("\r\n\r\n")));
        text = text.slice(answer.length);
        start = 0;
        if (closes) socket.destroy();
        else ask();
      });
      socket.on(
        "error",
        (error) => start && !ending && result.lost.push(`error: ${error.message}`),
      );
      socket.on("close", (bad) => {
        if (start && !bad && !ending) result.lost.push(`closed without an answer: ${text}`);
        if (ending) resolve();
        else setTimeout(open, 10);
      });
    };
    open();
  });
}

function record(text: string, body: string, start: number): void {
  const status = Number(text.slice(9, 12));
  if (status === 200) {
    result.rows.push([start, clock(), versionIndex(body.trim())]);
    endWhenDone();
  } else if (status === 503) result.refused++;
  else result.lost.push(`status ${status}: ${body.slice(0, 100)}`);
}

async function keepDownloading(): Promise<void> {
  while (!ending) {
    await new Promise<void>((resolve) => {
      const fail = (why: string) => (ending || result.lost.push(`download: ${why}`), resolve());
      get(
        { port, host: "127.0.0.1", path: "/slow?ms=1500", headers: { host }, agent: false },
        (res) => {
          let body = "";
          res.setEncoding("utf8");
          res.on("data", (chunk: string) => (body += chunk));
          res.on("error", (error) => fail(error.message));
          res.on("end", () => {
            const lines = body.trim().split("\n");
            const whole =
              res.statusCode === 200 && lines.length === 10 && new Set(lines).size === 1;
            if (!whole) return fail(`status ${res.statusCode}, ${lines.length} lines`);
            result.downloads++;
            resolve();
          });
        },
      ).on("error", (error) => fail(error.message));
    });
  }
}

async function keepEchoing(): Promise<void> {
  while (!ending) {
    await new Promise<void>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { host } });
      const timer = setInterval(() => {
        if (ending) socket.close(1000);
        else if (socket.readyState === socket.OPEN) socket.send("hello");
      }, 100);
      socket.on("message", () => result.messages++);
      socket.on("error", (error) => ending || result.lost.push(`websocket: ${error.message}`));
      socket.on("close", (code) => {
        clearInterval(timer);
        if (code === 1001 || code === 1012) result.drained++;
        else if (!ending) result.lost.push(`websocket closed with ${code}`);
        resolve();
      });
    });
  }
}

function endWhenDone(): void {
  ending ||= asked && result.rows.length >= Number(least);
}
process.on("SIGTERM", () => {
  asked = true;
  endWhenDone();
});
setTimeout(() => (ending = true), LIMIT_MS).unref();
const work = [
  ...Array.from({ length: Number(connections) }, keepAsking),
  ...Array.from({ length: 2 }, keepDownloading),
  ...Array.from({ length: 4 }, keepEchoing),
];
const patience = setTimeout(() => write(), LIMIT_MS + 20_000);
await Promise.all(work);
clearTimeout(patience);
write();

function write(): void {
  writeFileSync(file ?? "/dev/stdout", JSON.stringify(result));
  process.exit(0);
}
