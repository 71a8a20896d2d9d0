import type { Removal } from "../apps/errands.ts";
import type { Deploy, Release } from "../apps/types.ts";

/** An image that carries this platform's label, or a tag of it. */
export interface FoundImage {
  id: string;
  /** Tags of the form `NAMESPACE/APP:DEPLOY`. */
  tags: string[];
  /** Further tags, which somebody else gave. */
  foreign: string[];
  bytes: number;
  createdAt: number;
  /** A container, running or not, was made of it. */
  used: boolean;
}

export interface ReleaseRecord extends Pick<Release, "n" | "deploy" | "image" | "createdAt"> {
  retained: boolean;
  /** It is live, warm or held, or about to be. */
  needed: boolean;
  /** It would be retained if there were more room. */
  overBudget?: boolean;
}

/** What is recorded of one app. */
export interface AppRecord {
  name: string;
  releases: ReleaseRecord[];
  deploys: Pick<Deploy, "id" | "state">[];
  /** Deploys whose instances are on record. */
  running: string[];
}

export interface ImageFacts {
  namespace: string;
  /** Listed before the records were read: what is younger than they are is not judged. */
  images: FoundImage[];
  apps: AppRecord[];
  now: number;
}

/** An image that nobody has named yet may be about to be. */
const YOUNG_MS = 3600_000;

/**
 * Which images go, and why: a tag stays while its deploy is unfinished, has a retained release, or
 * instances on record; an image stays while a retained release or a container is made of it.
 */
export function planImages({ namespace, images, apps, now }: ImageFacts): Removal[] {
  const byName = new Map(apps.map((app) => [app.name, app]));
  const retained = apps.flatMap((app) => app.releases.filter((one) => one.retained));
  const needed = new Set(retained.map(({ image }) => image));
  return images.flatMap((image) => {
    if (image.tags.length === 0) return nameless(image, needed, now);
    const whys = image.tags.map((tag) => needless(tag, namespace, byName));
    // The last name of an image that a release is made of stays, whatever deploy it is named for.
    const last = whys.every((why) => why !== null);
    if (image.used || (last && needed.has(image.id))) return [];
    return image.tags.flatMap((tag, i): Removal[] => {
      const why = whys[i] ?? null;
      if (why === null) return [];
      const alone = last && image.foreign.length === 0 && image.tags.at(-1) === tag;
      return [{ kind: "image", name: tag, why, bytes: alone ? image.bytes : 0 }];
    });
  });
}

/** Null: it is needed. */
function needless(tag: string, namespace: string, apps: Map<string, AppRecord>): string | null {
  const [name = "", deploy = ""] = tag.slice(namespace.length + 1).split(":");
  const app = apps.get(name);
  if (!app) return `there is no app ${name}`;
  if (app.running.includes(deploy)) return null;
  const release = app.releases.find((one) => one.deploy === deploy);
  if (release?.retained) return null;
  const found = app.deploys.find(({ id }) => id === deploy);
  if (found && (found.state === "queued" || found.state === "running")) return null;
  if (release?.overBudget) return `v${release.n} is over TEAL_IMAGES`;
  if (release)
    return found?.state === "failed" ? `${deploy} failed` : `v${release.n} is not retained`;
  return found ? `${deploy} ${ended(found.state)}, and has no release` : `${deploy} is forgotten`;
}

function ended(state: Deploy["state"]): string {
  return state === "failed" ? "failed" : `was ${state}`;
}

function nameless(image: FoundImage, needed: Set<string>, now: number): Removal[] {
  const { id, foreign, used, createdAt, bytes } = image;
  if (foreign.length > 0 || used || needed.has(id) || now - createdAt < YOUNG_MS) return [];
  return [{ kind: "image", name: id, why: "no deploy and no release names it", bytes }];
}
