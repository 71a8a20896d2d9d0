import type { IncomingMessage } from "node:http";
import { TealError } from "../apps/errors.ts";
import type { Service } from "../apps/git.ts";

export interface Target {
  app: string;
  service: Service;
  /** The list of references, which a client asks for first. */
  advertise: boolean;
}

/** Matched against the target as it came: no decoding, no normalising, so nothing to get around. */
const PATH =
  /^\/git\/([a-z][a-z0-9-]{0,30})(?:\.git)?\/(info\/refs|git-receive-pack|git-upload-pack)$/;

/** @throws not-found; not-allowed when the wanted service is not the path's */
export function parseTarget(req: IncomingMessage): Target {
  const [path = "", query = "", ...more] = (req.url ?? "").split("?");
  const [, app, action] = PATH.exec(path) ?? [];
  const refuse = () => new TealError("not-found", { path: "this path under /git/" });
  if (!app || !action || more.length > 0) throw refuse();
  const wanted = new URLSearchParams(query).getAll("service");
  if (action === "info/refs") {
    const service = /^git-(receive-pack|upload-pack)$/.exec(wanted.join())?.[1];
    if (req.method !== "GET" || !service)
      throw new TealError("not-allowed", {
        who: "A client",
        action: "use anything but git's smart protocol here",
      });
    return { app, service: service as Service, advertise: true };
  }
  if (req.method !== "POST") throw refuse();
  if (wanted.length > 0 && wanted.join() !== action) {
    throw new TealError("not-allowed", {
      who: "A client",
      action: `ask for ${action} as another service`,
    });
  }
  return { app, service: action.slice("git-".length) as Service, advertise: false };
}
