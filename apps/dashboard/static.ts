import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Middleware } from "koa";

const DIR = new URL("./static/", import.meta.url);

/** Serves the files of `static/`, read once: what is not among them does not exist. */
export function serveStatic(): Middleware {
  const files = new Map<string, { body: Buffer; etag: string; extension: string }>();
  for (const name of readdirSync(DIR)) {
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
    ctx.etag = file.etag;
    ctx.type = file.extension;
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = file.body;
  };
}
