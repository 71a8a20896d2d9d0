import { TealError } from "./errors.ts";

/** A repository that commits can be fetched from. */
export interface FetchSource {
  kind: "https" | "http" | "ssh";
  /** Normalised, without credentials. */
  url: string;
  host: string;
  port: number;
  /** ssh: as whom. */
  user: string;
}

const DEFAULT_PORTS: Record<string, number> = { https: 443, http: 80, ssh: 22 };
const SCP = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9.-]+):(?!\/\/)([^\s]+)$/;
const HOST = /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;
const PATH = /^\/[\w.~/+@:,%-]{1,1000}$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/**
 * Reads the URL of a repository: https, ssh, or `git@host:path`. Nothing else goes to git, so that no
 * part of it can be an option or one of git's other transports. http is only for private networks
 * (see `TEAL_ALLOW_PRIVATE_FETCH`).
 * @throws bad-request
 */
export function parseRepoUrl(text: string): FetchSource {
  const scp = SCP.exec(text);
  const given = scp ? `ssh://${scp[1]}@${scp[2]}/${scp[3]}` : text;
  const refuse = (detail: string) => new TealError("bad-request", { detail });
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw refuse("the repository's URL was expected to begin with https:// or ssh://");
  }
  const kind = url.protocol.slice(0, -1);
  if (kind !== "https" && kind !== "ssh" && kind !== "http") {
    throw refuse("the repository's URL was expected to begin with https:// or ssh://");
  }
  if (url.password || (kind !== "ssh" && url.username)) {
    throw refuse("the repository's URL was expected without a password; give it with --token");
  }
  const { hostname: host, pathname: path } = url;
  const user = url.username || "git";
  const good = HOST.test(host) && PATH.test(path) && USER.test(user) && !url.search && !url.hash;
  if (!good || /\s/.test(text) || text.length > 1000 || path.startsWith("/-")) {
    throw refuse("the repository's URL was expected to be a host and a path");
  }
  const port = Number(url.port) || (DEFAULT_PORTS[kind] as number);
  const login = kind === "ssh" ? `${user}@` : "";
  const at = port === DEFAULT_PORTS[kind] ? host : `${host}:${port}`;
  return { kind, url: `${kind}://${login}${at}${path}`, host, port, user };
}
