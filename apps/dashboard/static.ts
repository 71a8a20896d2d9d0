import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Middleware } from "koa";
import { codingFor, compress } from "./compress.ts";

const DIR = new URL("./static/", import.meta.url);
const SERVED = /\.(?:js|css|svg)$/;
const FILES = new Map(
  readdirSync(DIR)
    .filter((name) => SERVED.test(name))
    .map((name) => [name, readFileSync(new URL(name, DIR))]),
);
/** Names what the files hold, so that browsers keep them without asking again. */
const VERSION = createHash("sha256")
  .update(JSON.stringify([...FILES].map(([name, body]) => [name, body.toString("base64")])))
  .digest("base64url")
  .slice(0, 12);
const PATH = /^\/static\/([\w-]+)\/([\w.-]+)$/;

/** Where a file of `static/` is served, as it is now. */
export function staticPath(name: string): string {
  return `/static/${VERSION}/${name}`;
}

/**
 * Serves the files of `static/`, read once: what is not among them does not exist. A page that
 * another version of this has made gets them as they are now, and is told not to keep them.
 */
export function serveStatic(): Middleware {
  const smaller = new Map<string, Promise<Buffer>>();
  return async (ctx, next) => {
    const reads = ctx.method === "GET" || ctx.method === "HEAD";
    const [, version, name = ""] = (reads && PATH.exec(ctx.path)) || [];
    const body = FILES.get(name);
    if (!body) {
      await next();
      return;
    }
    const current = version === VERSION;
    ctx.set("Cache-Control", current ? "public, max-age=31536000, immutable" : "no-store");
    ctx.vary("Accept-Encoding");
    ctx.type = name.replace(/^.*\./, "");
    const coding = codingFor(ctx);
    if (!coding) {
      ctx.body = body;
      return;
    }
    const key = `${name} ${coding}`;
    const sent = smaller.get(key) ?? compress(body, coding, 11);
    smaller.set(key, sent);
    const type = ctx.response.get("Content-Type");
    ctx.body = await sent;
    ctx.set({ "Content-Encoding": coding, "Content-Type": type });
  };
}
