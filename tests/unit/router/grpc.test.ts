import { once } from "node:events";
import {
  request,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { Client, credentials, Metadata, status, type StatusObject } from "@grpc/grpc-js";
import test, { type ExecutionContext } from "ava";
import { http2Client } from "../../support/http2-client.ts";
import { eventually, startHttpApp } from "../../support/router-rig.ts";
import { startTlsRouter, type TlsRig } from "../../support/tls-rig.ts";

/** A message, or gRPC-Web's trailers, in its frame. */
function frame(text: string, flags = 0): Buffer {
  const size = Buffer.from([flags, 0, 0, 0, 0]);
  size.writeUInt32BE(text.length, 1);
  return Buffer.concat([size, Buffer.from(text)]);
}

/** The messages at the start of `bytes`, each with its flags. */
function unframe(bytes: Buffer): [flags: number, text: string][] {
  const found: [number, string][] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    found.push([bytes[at] ?? 0, bytes.toString("utf8", at + 5, end)]);
    at = end;
  }
  return found;
}

/** An app that speaks gRPC over HTTP/1.1: it answers each message at once, and says its status in trailers. */
const echo: RequestListener = (req, res) => {
  let bytes = Buffer.alloc(0);
  let answered = 0;
  res.writeHead(200, {
    "content-type": "application/grpc",
    trailer: "grpc-status, grpc-message",
    "x-te": req.headers.te ?? "",
  });
  res.flushHeaders();
  req.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const all = unframe(bytes);
    for (const [, text] of all.slice(answered)) res.write(frame(`${text}!`));
    answered = all.length;
  });
  req.on("end", () => {
    const fails = req.url === "/echo/Fail";
    res.addTrailers({ "grpc-status": fails ? "5" : "0", "grpc-message": fails ? "nobody" : "" });
    res.end();
  });
};

function grpcClient(t: ExecutionContext, rig: TlsRig): Client {
  const trust = credentials.createSsl(Buffer.from(rig.issuer.cert));
  const client = new Client(`127.0.0.1:${rig.tlsPort}`, trust, {
    "grpc.ssl_target_name_override": "shop.test",
    "grpc.default_authority": "shop.test",
  });
  t.teardown(() => client.close());
  return client;
}

const bytesOf = (text: string) => Buffer.from(text);

test("gRPC: messages pass one by one in both directions while the call goes on, the status behind them", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([await startHttpApp(t, echo)]);
  const call = grpcClient(t, rig).makeBidiStreamRequest("/echo/Chat", bytesOf, String);
  const heard: string[] = [];
  let over: StatusObject | null = null;
  call.on("data", (text: string) => heard.push(text));
  call.on("status", (last: StatusObject) => (over = last));
  for (const text of ["one", "two", "three"]) {
    call.write(text);
    await eventually(() => heard.includes(`${text}!`));
  }
  t.is(over, null);
  call.end();
  await eventually(() => over !== null);
  t.like(over, { code: status.OK });
  t.deepEqual(heard, ["one!", "two!", "three!"]);
  t.like(rig.router.counters("shop"), { served: { 1: 1 }, lost: 0 });
});

test("gRPC: an app's error is the caller's, and a caller that gives up ends the request to the app", async (t) => {
  const rig = await startTlsRouter(t);
  let left = 0;
  rig.route([
    await startHttpApp(t, (req, res) => {
      if (req.url === "/echo/Fail") return echo(req, res);
      res.writeHead(200, { "content-type": "application/grpc" }).write(frame("one"));
      res.on("close", () => left++);
    }),
  ]);
  const client = grpcClient(t, rig);
  const failed = await new Promise((resolve) => {
    client.makeUnaryRequest("/echo/Fail", bytesOf, String, "x", new Metadata(), resolve);
  });
  t.like(failed, { code: status.NOT_FOUND, details: "nobody" });
  const call = client.makeBidiStreamRequest("/echo/Stay", bytesOf, String);
  call.on("error", () => undefined);
  call.write("zero");
  await once(call, "data");
  call.cancel();
  await eventually(() => left === 1);
  t.is(rig.router.counters("shop").lost, 0);
});

/** An app that streams gRPC-Web: its trailers are the body's last frame. `next` has it go on. */
function webApp() {
  const waiting: ServerResponse[] = [];
  const handler: RequestListener = (req, res) => {
    req.resume().on("end", () => {
      res.writeHead(200, { "content-type": "application/grpc-web+proto" });
      res.write(frame("one"));
      waiting.push(res);
    });
  };
  return { handler, next: (act: (res: ServerResponse) => void) => waiting.forEach(act) };
}

const WEB = {
  "content-type": "application/grpc-web+proto",
  accept: "application/grpc-web+proto",
  "x-grpc-web": "1",
};
const LAST: [number, string] = [0x80, "grpc-status:0\r\n"];

for (const version of ["HTTP/1.1", "HTTP/2"]) {
  test(`gRPC-Web over ${version}: each message passes at once, the trailers' frame is the body's end`, async (t) => {
    const rig = await startTlsRouter(t);
    const app = webApp();
    rig.route([await startHttpApp(t, app.handler)]);
    const answer = version === "HTTP/2" ? await callBy2(t, rig) : await callBy1(rig);
    let bytes = Buffer.alloc(0);
    let ended = false;
    answer.on("data", (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
    answer.on("end", () => (ended = true));
    await eventually(() => unframe(bytes).length === 1);
    app.next((res) => res.write(frame("two")));
    await eventually(() => unframe(bytes).length === 2);
    t.false(ended);
    app.next((res) => res.end(frame(LAST[1], LAST[0])));
    await eventually(() => ended);
    t.deepEqual(unframe(bytes), [[0, "one"], [0, "two"], LAST]);
  });
}

async function callBy2(t: ExecutionContext, rig: TlsRig) {
  const session = await http2Client(t, rig);
  const stream = session.request({ ":method": "POST", ":path": "/echo/List", ...WEB });
  stream.end(frame("all"));
  await once(stream, "response");
  return stream;
}

async function callBy1({ port }: TlsRig): Promise<IncomingMessage> {
  const headers = { host: "shop.test", ...WEB };
  const asked = request({ host: "127.0.0.1", port, method: "POST", path: "/echo/List", headers });
  asked.end(frame("all"));
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return answer;
}
