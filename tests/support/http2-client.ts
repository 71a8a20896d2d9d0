import { once } from "node:events";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { ExecutionContext } from "ava";
import type { TlsRig } from "./tls-rig.ts";

export interface StreamAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** An HTTP/2 connection to the rig for `shop.test`. */
export async function http2Client(
  t: ExecutionContext,
  rig: Pick<TlsRig, "tlsPort" | "issuer">,
): Promise<ClientHttp2Session> {
  const session = connect("https://shop.test", {
    port: rig.tlsPort,
    host: "127.0.0.1",
    ca: rig.issuer.cert,
    lookup: (_host, options, done) => {
      const address = { address: "127.0.0.1", family: 4 };
      done(null, options.all ? [address] : address.address, 4);
    },
  });
  session.on("error", () => undefined);
  t.teardown(() => session.destroy());
  await once(session, "connect");
  return session;
}

/** Waits for a stream's whole answer. Rejects when it breaks off. */
export async function answerOf(stream: ClientHttp2Stream): Promise<StreamAnswer> {
  const done = new Promise<StreamAnswer>((resolve, reject) => {
    let headers: StreamAnswer["headers"] = {};
    let body = "";
    stream.on("response", (fields) => (headers = fields as StreamAnswer["headers"]));
    stream.on("data", (chunk) => (body += String(chunk)));
    stream.on("error", reject);
    stream.on("close", () => {
      const status = Number(headers[":status"]);
      if (stream.rstCode === 0 && status) resolve({ status, headers, body });
      else reject(new Error(`closed with ${stream.rstCode}`));
    });
  });
  return done;
}

/** One request without a body. */
export function ask2(session: ClientHttp2Session, fields = {}): Promise<StreamAnswer> {
  return answerOf(session.request({ ":path": "/", ...fields }));
}
