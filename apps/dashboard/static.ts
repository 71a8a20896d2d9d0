import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Middleware } from "koa";
import { codingFor, compress } from "./compress.ts";

const DIR = new URL("./static/", import.meta.url);
const SERVED = /\.(?:js|css|svg)$/;

/** Serves the files of `static/`, read once: what is not among them does not exist. */
export function serveStatic(): Middleware {
  const files = new Map<string, { body: Buffer; etag: string; extension: string }>();
  const smaller = new Map<string, Promise<Buffer>>();
  for (const name of readdirSync(DIR).filter((one) => SERVED.test(one))) {
    const body = readFileSync(new URL(name, DIR));
    const etag = createHash("sha256").update(body).digest("base64url").slice(0, 16);
    files.set(`/static/${name}`, { body, etag, extension: name.replace(/^.*\./, "") });
  }
  return async (ctx, next) => {
    const file = ctx.method === "GET" || ctx.method === "HEAD" ? files.get(ctx.path) : undefined;
    if (!file) {
      await next();
      return;
    }
    ctx.set("Cache-Control", "no-cache");
    ctx.vary("Accept-Encoding");
    const coding = codingFor(ctx);
    ctx.etag = `W/"${file.etag}"`;
    ctx.type = file.extension;
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    if (!coding) {
      ctx.body = file.body;
      return;
    }
    const key = `${ctx.path} ${coding}`;
    const body = smaller.get(key) ?? compress(file.body, coding, 11);
    smaller.set(key, body);
    ctx.body = await body;
    ctx.type = file.extension;
    ctx.set("Content-Encoding", coding);
  };
}
