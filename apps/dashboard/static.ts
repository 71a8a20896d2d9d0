import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Middleware } from "koa";

const DIR = new URL("./static/", import.meta.url);

/** Serves the files of `static/`, read once: what is not among them does not exist. */
export function serveStatic(): Middleware {
  const files = new Map(
    readdirSync(DIR).map((name) => {
      const body = readFileSync(new URL(name, DIR));
      const etag = createHash("sha256").update(body).digest("base64url").slice(0, 16);
      const file = { body, etag, extension: name.replace(/^.*\./, "") };
      return [`/static/${name}` as string, file] as const;
    }),
  );
  return async (ctx, next) => {
    const file = ctx.method === "GET" || ctx.method === "HEAD" ? files.get(ctx.path) : undefined;
    if (!file) return next();
    ctx.set("Cache-Control", "no-cache");
    ctx.etag = file.etag;
    ctx.type = file.extension;
    ctx.status = 200;
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = file.body;
  };
}
