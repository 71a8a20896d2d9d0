import type { NoticeEvent } from "../apps/notifiers.ts";
import { KEEP_DEPLOYS } from "../apps/store-scripts.ts";
import type { Store } from "../apps/store.ts";
import type { Deploy, DeployKind } from "../apps/types.ts";

type Records = Pick<Store, "listDeploys" | "getRelease" | "getDeploy">;

/** What the code host of one deploy's commit is to hear. */
export interface CodeHostNews {
  /** The deploy that a sender asked for. */
  deploy: string;
  event: NoticeEvent;
  detail?: string;
}

/** What puts another release in front of people. */
const SWAPS: readonly DeployKind[] = ["push", "rollback", "config", "restart", "promote"];

/**
 * What came of `deploy` as code hosts have it: they know commits, and a rollback or a promotion is
 * about the commits of earlier deploys.
 * @param state what the deploy came into: a state of its own, or one of `note` in `lua/`
 * @param event the same as people are told it; null when they are not
 */
export async function codeHostNews(
  store: Records,
  deploy: Deploy,
  state: string,
  event: NoticeEvent | null,
  detail?: string,
): Promise<CodeHostNews[]> {
  if (state === "aborted" && deploy.sender) {
    return [{ deploy: deploy.id, event: "deploy.cancelled", detail: "Held, and thrown away" }];
  }
  if (!event) return [];
  if (deploy.sender) return [{ deploy: deploy.id, event, ...(detail && { detail }) }];
  const all = await store.listDeploys(deploy.app, KEEP_DEPLOYS);
  if (event === "guard-tripped") {
    return about(await origin(store, all, await leftBy(store, all, deploy)), {
      event,
      detail: `The guard swaps back: ${deploy.why}`,
    });
  }
  if (event === "deploy.rolled-back") return rolledBack(store, all, deploy);
  if (event === "deploy.live" && deploy.kind === "promote") {
    return about(await origin(store, all, deploy), { event, detail: `Promoted by ${deploy.by}` });
  }
  if (event === "crash-loop") {
    return about(await origin(store, all, deploy), { event, ...(detail && { detail }) });
  }
  return [];
}

/** Of what was live and of what is live again; of one commit nothing but that it is live. */
async function rolledBack(store: Records, all: Deploy[], deploy: Deploy): Promise<CodeHostNews[]> {
  const { by, why } = deploy;
  const guard = deploy.guardOf !== undefined;
  const release = deploy.toRelease === undefined ? "" : ` to v${deploy.toRelease}`;
  const left = await origin(store, all, await leftBy(store, all, deploy));
  const again = await origin(store, all, deploy);
  const live = about(again, {
    event: "deploy.live",
    detail: `Live again, ${guard ? "the guard swapped back" : `rolled back by ${by}`}`,
  });
  if (left?.commit === again?.commit) return live;
  const gone: Omit<CodeHostNews, "deploy"> = guard
    ? { event: "guard-tripped", detail: `The guard swapped back${release}: ${why}` }
    : { event: "deploy.rolled-back", detail: `Rolled back${release} by ${by}: ${why}` };
  return [...about(left, gone), ...live];
}

/** Whether something that came later has said of the deploy what is true now. */
export async function isOutdated(
  store: Records,
  told: { app: string; deploy: string; cause: string },
): Promise<boolean> {
  const cause = await store.getDeploy(told.cause);
  if (!cause) return true;
  const all = await store.listDeploys(told.app, KEEP_DEPLOYS);
  const later = all.filter(({ seq, state }) => seq > cause.seq && state === "live");
  for (const one of later) {
    const event = one.kind === "rollback" ? "deploy.rolled-back" : "deploy.live";
    const news = await codeHostNews(store, one, one.state, event);
    if (news.some(({ deploy }) => deploy === told.deploy)) return true;
  }
  return false;
}

function about(deploy: Deploy | null, news: Omit<CodeHostNews, "deploy">): CodeHostNews[] {
  return deploy ? [{ deploy: deploy.id, ...news }] : [];
}

/** What was live before `deploy` was. @param all newest first */
async function leftBy(store: Records, all: Deploy[], deploy: Deploy): Promise<Deploy | null> {
  if (deploy.guardOf !== undefined) return store.getDeploy(deploy.guardOf);
  const swapped = ({ seq, state, kind }: Deploy) =>
    seq < deploy.seq && state === "live" && SWAPS.includes(kind);
  return all.find(swapped) ?? null;
}

/** The newest deploy by a sender that brought the code which `deploy` runs. @param all newest first */
async function origin(
  store: Records,
  all: Deploy[],
  deploy: Deploy | null,
): Promise<Deploy | null> {
  if (!deploy || deploy.release === undefined) return null;
  const commit = (await store.getRelease(deploy.app, deploy.release))?.commit;
  const brought = (one: Deploy) =>
    one.sender !== undefined && one.commit === commit && /^(live|held)$/.test(one.state);
  return all.find((one) => one.seq <= deploy.seq && brought(one)) ?? null;
}
