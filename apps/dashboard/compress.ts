import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Context, Middleware } from "koa";

type Coding = "br" | "gzip";

/** Bytes below which it is not worth it. */
const SMALLEST = 1024;
const TEXT = /^(?:text\/(?:html|css|javascript)|image\/svg)/;
const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** The best coding that the client takes of those there are. */
export function codingFor(ctx: Context): Coding | null {
  const accepted = ctx.acceptsEncodings("br", "gzip", "identity");
  return accepted === "br" || accepted === "gzip" ? accepted : null;
}

/** @param quality of brotli, 0 to 11 */
export async function compress(body: Buffer, coding: Coding, quality: number): Promise<Buffer> {
  if (coding === "gzip") return gzipped(body, { level: 6 });
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  return brotli(body, { params });
}

/** Compresses pages. Streams are left alone, for what is kept back in a compressor comes late. */
export function compressed(): Middleware {
  return async (ctx, next) => {
    await next();
    if (typeof ctx.body !== "string" || !TEXT.test(ctx.type)) return;
    ctx.vary("Accept-Encoding");
    const coding = codingFor(ctx);
    if (!coding || ctx.body.length < SMALLEST) return;
    // Koa takes the type of a body of bytes for unknown unless it is set again.
    const type = ctx.response.get("Content-Type");
    ctx.body = await compress(Buffer.from(ctx.body), coding, 4);
    ctx.set({ "Content-Encoding": coding, "Content-Type": type });
  };
}
