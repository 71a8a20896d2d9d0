import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TreeFetcher } from "../apps/tree-fetcher.ts";
import type { Repository } from "../buildpacks/plan.ts";
import { BROUGHT } from "../buildpacks/render.ts";
import type { Work } from "./ports.ts";

/** What a plan's repositories have become. See `Recipe`. */
export interface Fetched {
  trees: { dir: string; under: string }[];
  fetched: string[];
  done(): Promise<void>;
}

export const NOTHING_FETCHED: Fetched = { trees: [], fetched: [], done: async () => {} };

export type FetchTrees = (repositories: Repository[], work: Work) => Promise<Fetched>;

/** Fetches repositories into folders below `workDir`, and says which commits they are at. */
export function createFetchTrees(fetcher: TreeFetcher, workDir: string): FetchTrees {
  return async (repositories, { say, signal }) => {
    if (repositories.length === 0) return NOTHING_FETCHED;
    await mkdir(workDir, { recursive: true });
    const top = await mkdtemp(join(workDir, "buildpacks-"));
    const done = () => rm(top, { recursive: true, force: true });
    const fetched: string[] = [];
    const trees: Fetched["trees"] = [];
    try {
      for (const { url, ref, as } of repositories) {
        const dir = join(top, String(trees.length));
        await mkdir(dir);
        const commit = await fetcher.fetchTree(url, ref, dir, signal);
        say("info", `Buildpack ${url}${ref === null ? "" : `#${ref}`}: commit ${commit}`);
        fetched.push(`${url}#${commit}`);
        trees.push({ dir, under: `${BROUGHT}/${as}` });
      }
      return { trees, fetched, done };
    } catch (error) {
      await done();
      throw error;
    }
  };
}
