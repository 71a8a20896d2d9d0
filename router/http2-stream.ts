import { constants, type ServerHttp2Stream } from "node:http2";
import { answerText, type AnswerTo, type Outlet } from "./answer.ts";
import { readClaims } from "./claims.ts";
import type { ClientOptions } from "./client.ts";
import { createExchange } from "./exchange.ts";
import { HEAD_END, readStreamHead, streamAnswer, streamFields } from "./http2-head.ts";
import { letGo } from "./let-go.ts";
import type { RequestHead } from "./request-head.ts";
import type { Member } from "./roster.ts";
import type { Source } from "./trust.ts";

/** What the streams of one connection have in common. */
export interface StreamSide {
  options: ClientOptions;
  servername: string;
  source: Source;
  headFor(head: RequestHead, id: string): string;
}

export interface StreamClient extends Member {
  sweep(now: number): void;
}

const INPUT_LIMIT = 65_536;
const LINGER_MS = 2000;
const LAST_CHUNK = "0\r\n";

/** One request of an HTTP/2 connection: the same exchange as any other, between two protocols. */
export function createStreamClient(
  stream: ServerHttp2Stream,
  { raw, ended }: { raw: readonly string[]; ended: boolean },
  { options, servername, source, headFor }: StreamSide,
): StreamClient {
  const { clock } = options;
  let input: Buffer | null = null;
  let chunked = false;
  let trailers = "";
  let takesTrailers = false;
  /** Behind the answer. */
  let lastLines = "";
  let responded = false;
  /** The whole request is there. */
  let received = ended;
  let busy = false;
  let deadline = 0;
  const outlet: Outlet = {
    get writableLength() {
      return stream.writableLength;
    },
    write,
    cork: () => stream.cork(),
    uncork: () => stream.uncork(),
    setKeepAlive: () => undefined,
  };
  const exchange = createExchange(
    {
      ...{ socket: outlet, secure: true, headFor, expectWithin, answer, inform, done, take },
      input: () => input,
      cut: () => cut(constants.NGHTTP2_INTERNAL_ERROR),
    },
    options,
  );

  // A client may reset at any time.
  stream.on("error", () => undefined);
  stream.on("drain", () => exchange.drained());
  stream.on("wantTrailers", sendTrailers);
  stream.on("close", () => {
    busy = false;
    deadline = 0;
    input = null;
    exchange.gone();
    letGo(stream);
  });
  begin();

  function begin(): void {
    const read = readStreamHead(raw, ended, servername);
    if ("says" in read) return answer(read.status, read.says, { method: "", close: true });
    const { head, bytes } = read;
    if (source.trusted) head.claims = readClaims(bytes);
    if (head.expectsContinue) stream.additionalHeaders({ ":status": 100 });
    chunked = head.length < 0 && head.hasBody;
    takesTrailers = head.trailers;
    busy = true;
    if (!ended) takeBody();
    exchange.start({ ...head, expectsContinue: false });
  }

  function takeBody(): void {
    stream.on("data", (data: Buffer) => {
      if (!chunked) return add(data);
      add(Buffer.concat([chunkSize(data), data, Buffer.from("\r\n")]));
    });
    stream.on("trailers", (_fields: object, _flags: number, fields: string[]) => {
      for (let i = 0; i + 1 < fields.length; i += 2)
        trailers += `${fields[i]}: ${fields[i + 1]}\r\n`;
    });
    stream.on("end", () => {
      // It also "ends" when it is reset or its connection breaks: then the body is not whole.
      if (stream.closed || stream.aborted || stream.destroyed) return;
      received = true;
      if (chunked) add(Buffer.from(`${LAST_CHUNK}${trailers}\r\n`, "latin1"));
    });
  }

  function add(bytes: Buffer): void {
    if (!busy) return;
    input = input === null ? bytes : Buffer.concat([input, bytes]);
    exchange.more();
    if (waiting() >= INPUT_LIMIT) stream.pause();
  }

  function waiting(): number {
    return input === null ? 0 : input.length;
  }

  function take(bytes: number): void {
    if (input === null) return;
    input = bytes === input.length ? null : input.subarray(bytes);
    if (stream.isPaused() && waiting() < INPUT_LIMIT) stream.resume();
  }

  function write(data: string | Uint8Array): void {
    if (stream.destroyed || (responded && stream.writableEnded)) return;
    if (responded) return void stream.write(typeof data === "string" ? latin1(data) : data);
    // A head always comes as one text.
    const text = data as string;
    const end = text.indexOf(HEAD_END);
    respond(text.slice(0, end));
    const body = text.slice(end + HEAD_END.length);
    if (body !== "" && !stream.writableEnded) stream.write(latin1(body));
  }

  function respond(head: string): void {
    responded = true;
    try {
      stream.respond(streamAnswer(head.split("\r\n")), { waitForTrailers: takesTrailers });
    } catch {
      // A field that HTTP/1.1 has and HTTP/2 cannot say.
      cut(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  function answer(status: number, says: string, to: AnswerTo): void {
    write(answerText(status, says, { ...to, close: false }));
    done(true, "");
  }

  function inform(answers: string): void {
    for (const head of answers.split(HEAD_END)) {
      const [statusLine = "", ...lines] = head.split("\r\n");
      if (statusLine === "") continue;
      try {
        stream.additionalHeaders({ ...streamFields(lines), ":status": statusLine.slice(9, 12) });
      } catch {
        // The client has left, or HTTP/2 cannot say it: the answer itself is yet to come.
      }
    }
  }

  /** The body is out. */
  function sendTrailers(): void {
    try {
      stream.sendTrailers(streamFields(lastLines.split("\r\n")));
    } catch {
      cut(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  function done(_keep: boolean, behind: string): void {
    busy = false;
    input = null;
    lastLines = behind;
    if (stream.destroyed) return;
    // What is still to be sent may take the client its time.
    expectWithin(options.stallMs);
    stream.end(() => {
      // The rest of a body that nobody wants is not waited for much longer.
      if (!received) expectWithin(LINGER_MS);
    });
    stream.resume();
  }

  function cut(code: number): void {
    busy = false;
    input = null;
    if (!stream.destroyed) stream.close(code);
  }

  function expectWithin(ms: number): void {
    deadline = ms === 0 ? 0 : clock.now() + ms;
  }

  function sweep(now: number): void {
    if (deadline === 0 || now < deadline) return;
    deadline = 0;
    if (busy) exchange.expired();
    else cut(constants.NGHTTP2_NO_ERROR);
  }

  return { place: -1, sweep };
}

const latin1 = (text: string) => Buffer.from(text, "latin1");

function chunkSize(data: Buffer): Buffer {
  return latin1(`${data.length.toString(16)}\r\n`);
}
