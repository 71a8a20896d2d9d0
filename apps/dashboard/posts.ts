import type { Context } from "koa";
import { readBody } from "../http.ts";

/** What a form has sent. @throws too-large */
export async function readForm(ctx: Context): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(ctx)).toString("utf8"));
}

/** To a path of our own, never one made from the request's Host. */
export function seeOther(ctx: Context, path: string): void {
  ctx.status = 303;
  ctx.set("Location", path);
}
