import { mkdir } from "node:fs/promises";
import { isTealError, TealError } from "./errors.ts";
import { parseRepoUrl } from "./fetch-source.ts";
import { openWay, type OpenWay } from "./fetch-way.ts";
import type { Git } from "./git.ts";
import type { Outward } from "./outward.ts";

interface Options {
  git: Pick<Git, "fetchTree">;
  outward: Outward;
  workDir: string;
  knownHosts: string;
  /** An authority that is trusted besides the public ones; null or absent: none. */
  caFile?: string | null;
  /** What git goes through where the platform was told of a proxy. */
  env?: NodeJS.ProcessEnv;
  /** Of what comes over the network, and of the tree, bytes. */
  maxBytes?: number;
  /** For all of it, ms. */
  timeoutMs?: number;
}

export interface TreeFetcher {
  /**
   * Writes a commit's tree of a repository that needs no password into the folder `to`, and gives
   * the commit. `ref` is a branch, a tag or a commit's full id; null: the repository's default branch.
   * @throws build-failed, private-address, the signal's reason
   */
  fetchTree(url: string, ref: string | null, to: string, signal: AbortSignal): Promise<string>;
}

const PROXIES = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/** Fetches trees by https alone. */
export function createTreeFetcher(options: Options): TreeFetcher {
  const { git, maxBytes = 256 * 1024 * 1024, timeoutMs = 120_000, env = process.env } = options;

  return {
    async fetchTree(url, ref, to, signal) {
      const source = parseRepoUrl(url);
      const failed = (detail: string) =>
        new TealError("build-failed", { detail: `${url} could not be fetched: ${detail}` });
      if (source.kind !== "https") throw failed("an address with https:// was expected");
      await mkdir(options.workDir, { recursive: true });
      const late = AbortSignal.timeout(timeoutMs);
      const ends = AbortSignal.any([signal, late]);
      const way = throughProxy(await openWay(source, {}, { ...options, maxBytes }), env);
      try {
        const wish = { way, ref: ref ?? "HEAD", to, workDir: options.workDir, maxBytes };
        return await git.fetchTree({ ...wish, signal: ends });
      } catch (error) {
        signal.throwIfAborted();
        if (late.aborted) throw failed(`it took longer than ${timeoutMs / 1000} s`);
        const cause = way.wrong() ?? error;
        throw isTealError(cause) ? cause : failed(reason(cause, ref));
      } finally {
        await way.close();
      }
    },
  };
}

/** A platform behind a proxy reaches nothing by itself: git goes through that, and not through ours. */
function throughProxy(way: OpenWay, env: NodeJS.ProcessEnv): OpenWay {
  const proxies = PROXIES.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  if (!env["HTTPS_PROXY"] && !env["https_proxy"]) return way;
  const config = way.config.filter(([key]) => key !== "http.proxy");
  return { ...way, config, env: { ...way.env, ...Object.fromEntries(proxies) } };
}

/** Git's last words, on one line. */
function reason(error: unknown, ref: string | null): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/couldn't find remote ref|not our ref|unadvertised object/.test(text))
    return `it has no branch, tag or commit '${ref ?? "HEAD"}' (a commit is named by all of its 40 digits)`;
  if (/could not read Username/.test(text))
    return "there is no such repository, or it wants a password";
  const lines = text.trim().split("\n");
  const fatal = lines.findLast((line) => line.includes("fatal: ")) ?? lines.at(-1) ?? "";
  return fatal
    .replace(/^.*fatal: /, "")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ")
    .slice(0, 300);
}
