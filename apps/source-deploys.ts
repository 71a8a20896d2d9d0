import type { Readable } from "node:stream";
import type { Deploys } from "./deploys.ts";
import { TealError } from "./errors.ts";
import type { Git } from "./git.ts";
import { parseImageRef } from "./image-ref.ts";
import { checkRoom } from "./room.ts";
import type { App, Deploy } from "./types.ts";

interface Options {
  deploys: Pick<Deploys, "push">;
  git: Pick<Git, "init" | "exists" | "inspect" | "readRef" | "pin" | "importArchive" | "reposDir">;
}

/** What is to be deployed: one of commit, ref and image. */
export interface SourceWish {
  commit?: string;
  ref?: string;
  image?: string;
  hold?: boolean;
  /** s; it is held, and then promoted by itself. */
  promoteAfter?: number;
  /** Older code no longer works after it. */
  irreversible?: boolean;
  fresh?: boolean;
  verbose?: boolean;
  why?: string;
}

/** At a time; each has a git of its own. */
const MAX_UPLOADS = 8;
const REF = /^(?!-)[\w][\w.+#@=/-]{0,200}$/;

/** Deploys that come by the API: the same pipeline as a push, with the same record. */
export function createSourceDeploys({ deploys, git }: Options) {
  let uploads = 0;
  return {
    /**
     * Makes a commit of an archive in the app's repository.
     * @throws bad-archive, too-large, app-destroyed, too-many-pushes, disk-full, memory-low
     */
    async importArchive(app: App, archive: Readable, strip: "auto" | "no") {
      if (app.state === "destroying") throw new TealError("app-destroyed", { name: app.name });
      if (uploads >= MAX_UPLOADS) throw new TealError("too-many-pushes", { limit: MAX_UPLOADS });
      uploads++;
      try {
        await git.init(app.name);
        await checkRoom([git.reposDir]);
        return await git.importArchive(app.name, archive, { strip });
      } finally {
        uploads--;
      }
    },

    /** @throws bad-request, bad-image, ref-not-found */
    async deploy(app: App, wish: SourceWish, by: string): Promise<Deploy> {
      const {
        commit,
        ref,
        image,
        hold,
        promoteAfter,
        irreversible,
        fresh,
        verbose,
        why = "",
      } = wish;
      const given = [commit, ref, image].filter((one) => one !== undefined).length;
      if (given > 1) {
        throw new TealError("bad-request", { detail: "one of commit, ref and image was expected" });
      }
      const common = { app: app.name, kind: "push", by } as const;
      if (promoteAfter !== undefined && hold === false) {
        throw new TealError("bad-request", { detail: "promoteAfter is of what is held" });
      }
      const more = {
        ...(hold !== undefined && { hold }),
        ...(promoteAfter !== undefined && { promoteAfter: promoteAfter * 1000 }),
        ...(irreversible && { irreversible }),
        ...(fresh && { fresh }),
        ...(verbose && { verbose }),
      };
      if (image !== undefined) {
        const { text } = parseImageRef(image);
        return deploys.push({ ...common, ...more, image: text, why: why || `image ${text}` });
      }
      const found = await resolve(app.name, commit ?? ref ?? "");
      await git.pin(app.name, found.commit);
      const { subject } = (await git.inspect(app.name, found.commit)) ?? { subject: "" };
      return deploys.push({ ...common, ...more, ...found, why: why || subject });
    },
  };

  /** A commit by all its digits, a branch, a tag; nothing: the branch that is deployed. @throws ref-not-found */
  async function resolve(app: string, given: string): Promise<{ commit: string; ref?: string }> {
    const missing = new TealError("ref-not-found", { name: app, ref: given || "main" });
    if (!(await git.exists(app))) throw missing;
    if (/^[0-9a-f]{40}$/.test(given)) {
      if (await git.inspect(app, given)) return { commit: given };
      throw missing;
    }
    if (given !== "" && !REF.test(given)) throw missing;
    const names = given === "" ? ["main", "master"] : [given];
    for (const ref of names.flatMap((name) => [`refs/heads/${name}`, `refs/tags/${name}`])) {
      const commit = await git.readRef(app, `${ref}^{commit}`);
      if (commit) return { commit, ref };
    }
    throw missing;
  }
}
