import { Readable } from "node:stream";
import type { Identity } from "../access.ts";
import { TealError } from "../errors.ts";
import { apiRoutes, check } from "./api.ts";
import { findSubject, permits } from "./authorise.ts";
import type { ApiOptions } from "./route.ts";

/** A request of somebody who has proved who they are elsewhere. */
interface InsideRequest {
  /** Method and path of a route, `post /apps/:app/routing`. */
  route: string;
  params?: Record<string, string>;
  body?: unknown;
  /** Whence the browser asks; counts for what is limited by address. */
  address?: string | null;
}

/**
 * The API for what runs in the same process: the same schemas, rights and handlers, without HTTP.
 * @returns a function whose promise is the route's answer, or rejects with its TealError
 */
export function createInside(options: ApiOptions) {
  const routes = new Map(apiRoutes(options).map((one) => [`${one.method} ${one.path}`, one]));
  return async (identity: Identity, request: InsideRequest): Promise<unknown> => {
    const { route: name, params = {}, body = {}, address = null } = request;
    const one = routes.get(name);
    if (!one) throw new Error(`the API has no ${name}`);
    const subject = await findSubject(one, params, identity, options);
    if (!permits(one, identity, subject, options)) {
      const action = one.summary.toLowerCase();
      throw new TealError("not-allowed", { who: identity.name, action });
    }
    return one.handle({
      ...{ subject, identity, params },
      query: one.query && check(one.query, {}, "the query"),
      body: one.body && check(one.body, body, "the form"),
      ...{ wantsSocket: false, wantsEvents: false, lastEventId: undefined, address },
      stillAllowed: async () => true,
      upload: Readable.from([]),
    });
  };
}
