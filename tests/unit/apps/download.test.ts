import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { download, withoutQuery } from "../../../apps/download.ts";
import { createOutward } from "../../../apps/outward.ts";

async function serve(t: ExecutionContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = AbortSignal.timeout(20_000);
const open = (url: string, allowPrivate = true) =>
  download(url, { outward: createOutward({ allowPrivate }), allowPrivate, signal });

test("what lies at an address is read, through redirects, with nothing sent along", async (t) => {
  const seen: string[] = [];
  const url = await serve(t, (req, res) => {
    seen.push(`${req.url} ${req.headers.authorization ?? "-"} ${req.headers.cookie ?? "-"}`);
    if (req.url === "/a?sig=1") return res.writeHead(302, { Location: "/b" }).end();
    return res.end("the archive");
  });
  t.is(await text(await open(`${url}/a?sig=1`)), "the archive");
  t.deepEqual(seen, ["/a?sig=1 - -", "/b - -"]);
});

test("private addresses are refused at the connection, also those that a redirect leads to", async (t) => {
  for (const host of [
    "127.0.0.1",
    "localhost",
    "10.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "2130706433",
  ])
    await t.throwsAsync(open(`https://${host}/x.tar.gz`, false), { code: "private-address" }, host);
  const outward = createOutward({ allowPrivate: false });
  const inner = await serve(t, (_req, res) => void res.end("secret"));
  const url = await serve(
    t,
    (_req, res) => void res.writeHead(302, { Location: `${inner}/x` }).end(),
  );
  // The first connection is let through, as to a public host; the second is checked.
  let first = true;
  const connect: typeof outward.connect = (host, port) => {
    if (!first) return outward.connect(host, port);
    first = false;
    return createOutward({ allowPrivate: true }).connect(host, port);
  };
  await t.throwsAsync(download(url, { outward: { connect }, allowPrivate: true, signal }), {
    code: "private-address",
  });
});

test("only https is taken, without a password in the address", async (t) => {
  for (const url of [
    "http://example.com/x",
    "ftp://example.com/x",
    "file:///etc/passwd",
    "https://a:b@example.com/x",
    "nonsense",
  ])
    await t.throwsAsync(open(url, false), { code: "bad-request" }, url);
});

test("what is not there, or leads round in circles, fails with a sentence that holds no signature", async (t) => {
  const url = await serve(t, (req, res) => {
    if (req.url?.startsWith("/round")) res.writeHead(307, { Location: "/round" }).end();
    else res.writeHead(404).end();
  });
  const missing = await t.throwsAsync(open(`${url}/x?sig=s3cret`), { code: "fetch-failed" });
  t.regex(missing.message, /status 404/);
  t.notRegex(missing.message, /s3cret/);
  await t.throwsAsync(open(`${url}/round`), { message: /more than 4 redirects/ });
  await t.throwsAsync(open("http://127.0.0.1:1/x"), { code: "fetch-failed" });
  t.is(withoutQuery("https://a/b?c=d#e"), "https://a/b");
});

test("an answer that is cut off ends in an error, not in half an archive", async (t) => {
  const url = await serve(t, (_req, res) => {
    res.writeHead(200, { "Content-Length": "1000" });
    res.write("half");
    setTimeout(() => res.destroy(), 50);
  });
  await t.throwsAsync(text(await open(url)));
});
