import { download } from "./download.ts";
import { isTealError, TealError } from "./errors.ts";
import { parseRepoUrl } from "./fetch-source.ts";
import { openWay } from "./fetch-way.ts";
import type { Git } from "./git.ts";
import type { Outward } from "./outward.ts";
import type { Credentials, Senders } from "./senders.ts";
import type { Deploy } from "./types.ts";

interface Options {
  git: Pick<
    Git,
    "init" | "fetch" | "inspect" | "completeness" | "readRef" | "pin" | "importArchive"
  >;
  senders: Pick<Senders, "credentials">;
  outward: Outward;
  /** Whether http, without TLS, will do. */
  allowPrivate: boolean;
  workDir: string;
  knownHosts: string;
  /** An authority that is trusted besides the public ones; null or absent: none. */
  caFile?: string | null;
  /** Largest answer, in bytes. */
  maxBytes?: number;
}

export interface Fetcher {
  /**
   * Makes sure that the deploy's commit, with its history, is in the app's repository, and pins it.
   * Gives the commit; twice is once. @throws fetch-failed, private-address, commit-missing, shallow-push
   */
  fetch(deploy: Deploy, signal: AbortSignal): Promise<string>;
  /** A commit of another repository, into the app's; it is not pinned. @throws fetch-failed, private-address */
  fetchCommit(app: string, url: string, commit: string, signal: AbortSignal): Promise<void>;
}

/** Gets what webhooks speak of from where it lies. */
export function createFetcher(options: Options): Fetcher {
  const { git, senders, maxBytes = 512 * 1024 * 1024 } = options;

  async function fetch(deploy: Deploy, signal: AbortSignal): Promise<string> {
    const { app, commit, ref = "" } = deploy;
    await git.init(app);
    if (deploy.archive) return fetchArchive(app, deploy.archive, signal);
    if (commit && (await git.inspect(app, commit))) return settle(app, commit, commit);
    if (!deploy.repo) {
      throw new TealError("commit-missing", {
        branch: ref || "the webhook",
        commit: commit ?? ref,
      });
    }
    const credentials = await senders.credentials(app, deploy.sender ?? "");
    const fetched = await fetchFrom(deploy, deploy.repo, credentials, signal);
    return settle(app, fetched, ref);
  }

  async function fetchArchive(app: string, url: string, signal: AbortSignal) {
    const answer = await download(url, { ...options, signal });
    try {
      return await git.importArchive(app, answer, { strip: "auto" });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      answer.destroy();
    }
  }

  /** What is whole is kept from now on. */
  async function settle(app: string, commit: string, branch: string): Promise<string> {
    const state = await git.completeness(app, commit);
    if (state === "shallow") throw new TealError("shallow-push", { branch });
    if (state === "broken") throw new TealError("commit-missing", { branch, commit });
    await git.pin(app, commit);
    return commit;
  }

  async function fetchFrom(
    { app, commit, ref }: Pick<Deploy, "app" | "commit" | "ref">,
    repo: string,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<string> {
    const source = parseRepoUrl(repo);
    const failed = (detail: string) =>
      new TealError("fetch-failed", { what: commit ?? ref, url: source.url, detail });
    if (source.kind === "http" && !options.allowPrivate) throw failed("https was expected");
    const way = await openWay(source, credentials, { ...options, maxBytes }).catch(
      (error: unknown) => {
        throw isTealError(error) ? error : failed(lastLine(error));
      },
    );
    try {
      return await take(app, commit, ref, (refspec) => git.fetch(app, refspec, way, signal));
    } catch (error) {
      signal.throwIfAborted();
      const cause = way.wrong() ?? error;
      throw isTealError(cause) ? cause : failed(lastLine(cause));
    } finally {
      await way.close();
    }
  }

  /** By its id; from a server that gives no single commits, by its branch. */
  async function take(
    app: string,
    commit: string | undefined,
    ref: string | undefined,
    fetchRef: (refspec: string) => Promise<void>,
  ): Promise<string> {
    const kept = `refs/teal/fetched/${ref?.replace(/^refs\//, "")}`;
    if (commit) {
      try {
        await fetchRef(commit);
        return await present(app, commit, ref);
      } catch (error) {
        if (!ref || !/not our ref|unadvertised object/.test(String(error))) throw error;
      }
    }
    await fetchRef(`+${ref}:${kept}`);
    return present(app, commit ?? (await git.readRef(app, `${kept}^{commit}`)) ?? "", ref);
  }

  async function present(app: string, commit: string, branch = commit): Promise<string> {
    if (commit && (await git.inspect(app, commit))) return commit;
    throw new TealError("commit-missing", { branch, commit });
  }

  return {
    fetch,
    async fetchCommit(app, url, commit, signal) {
      if (await git.inspect(app, commit)) return;
      await fetchFrom({ app, commit, ref: undefined }, url, {}, signal);
    },
  };
}

/** The last that git or the network said, on one line. */
function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.trim().split("\n").at(-1) ?? "";
  return line
    .replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ")
    .replace(/\.$/, "")
    .slice(0, 300);
}
