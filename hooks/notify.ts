import { setTimeout as sleep } from "node:timers/promises";
import { Queue, UnrecoverableError, Worker, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { isTealError } from "../apps/errors.ts";
import { keys } from "../apps/keys.ts";
import type { Log } from "../apps/log.ts";
import type { NoticeEvent, Notifiers } from "../apps/notifiers.ts";
import type { Outward } from "../apps/outward.ts";
import type { Senders } from "../apps/senders.ts";
import type { Store } from "../apps/store.ts";
import { asking } from "../apps/store-scripts.ts";
import type { Deploy } from "../apps/types.ts";
import { codeHostNews, isOutdated } from "./code-host.ts";
import { commitStatus } from "./commit-status.ts";
import { githubDeployment, tellGithub, type GithubDeployment } from "./github-deployment.ts";
import { format, type Message } from "./notify-format.ts";
import { sendMail, type Mail } from "./notify-mail.ts";
import { send } from "./notify-send.ts";

/** Says who is to be told of what, and nothing that is secret. */
interface Telling {
  app: string;
  deploy: string;
  /** A notifier's id, STATUS or DEPLOYMENT. */
  notifier: string;
  event: NoticeEvent;
  detail?: string;
  /** STATUS, DEPLOYMENT: the deploy that it came of, and what that came into. */
  of?: { cause: string; state: string };
}

interface Options {
  redis: Redis;
  /** A connection opened with `wait`. */
  blocking: Redis;
  store: Pick<Store, "getDeploy" | "listDeploys" | "getRelease">;
  notifiers: Notifiers;
  senders: Pick<Senders, "list" | "credentials">;
  outward: Outward;
  /** Mail may go without TLS. */
  allowPrivate: boolean;
  urlOf(app: string): string;
  /** Where people read a deploy's log. */
  logUrlOf(app: string, deploy: string): string;
  log: Log;
  times?: Times;
}

interface Times {
  /** How often is looked for something to tell. */
  pollMs: number;
  /** Before the second try; doubled before each further one. */
  backoffMs: number;
  attempts: number;
  exchangeMs: number;
}

const NAME = "teal-notices";
/** In the place of a notifier: the code host that a webhook came from. */
const STATUS = "commit-status";
const DEPLOYMENT = "github-deployment";
/** Ten tries over about 40 minutes. */
const TIMES: Times = { pollMs: 1000, backoffMs: 5000, attempts: 10, exchangeMs: 10_000 };
const DAY_S = 24 * 3600;

/**
 * Tells people what happened. The store's transitions note it (`note` in `lua/prelude.lua`); from
 * there it goes to a queue, one job per notifier, and is tried until it arrives. Nothing is told
 * to nobody; after a crash somebody may be told twice, with the same id.
 */
export function createNotify(options: Options): { close(): Promise<void> } {
  const { redis, blocking, log, times = TIMES } = options;
  const queue = new Queue<Telling>(NAME, { connection: redis });
  const inTurn = createTurns();
  const worker = new Worker<Telling>(NAME, (job) => inTurn(job, () => tell(options, times, job)), {
    connection: blocking,
    concurrency: 20,
  });
  // Reported once by the connections' own listeners.
  queue.on("error", () => {});
  worker.on("error", () => {});
  const stopping = new AbortController();
  const rounds = keepRound();

  async function keepRound(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      const more = await handOver(options, times, queue).catch(putOff);
      if (!more) await sleep(times.pollMs, undefined, { signal }).catch(() => {});
    }
  }

  /** The store is away, or this notice is ill: then it goes behind the others, which do not wait for it. */
  async function putOff(why: unknown): Promise<boolean> {
    if (isTealError(why, "store-unavailable")) {
      log.debug({ error: String(why) }, "notices wait");
      return false;
    }
    log.warn({ error: String(why) }, "a notice was put off");
    await redis.lmove(keys.notices, keys.notices, "LEFT", "RIGHT").catch(() => {});
    return false;
  }

  return {
    async close() {
      stopping.abort();
      await rounds;
      await worker.close();
      await queue.close();
    },
  };
}

/** Makes jobs of the oldest notice, then forgets it. False when there was none. */
async function handOver(
  { redis, store, notifiers }: Options,
  { attempts, backoffMs }: Times,
  queue: Queue<Telling>,
): Promise<boolean> {
  const notice = await asking(() => redis.lindex(keys.notices, 0));
  if (!notice) return false;
  const [id = "", state = "", ...rest] = notice.split(" ");
  const detail = rest.join(" ");
  const deploy = await store.getDeploy(id);
  const event = deploy && eventOf(deploy, state);
  const add = (telling: Telling, jobId: string) =>
    asking(() =>
      queue.add("tell", telling, {
        // Twice is once: two processes may have found the same notice.
        jobId,
        attempts,
        backoff: { type: "exponential", delay: backoffMs, jitter: 0.3 },
        removeOnComplete: { age: DAY_S, count: 1000 },
        removeOnFail: { age: DAY_S, count: 1000 },
      }),
    );
  if (deploy && event) {
    const { app } = deploy;
    const wanted = (await notifiers.list(app)).filter((one) => one.events.includes(event));
    for (const { id: notifier } of wanted) {
      const about = event.startsWith("certificate") ? `-${detail}` : "";
      await add(
        { app, deploy: id, notifier, event, ...(detail && { detail }) },
        `${id}-${event}-${notifier}${about}`,
      );
    }
  }
  if (deploy) {
    for (const news of await codeHostNews(store, deploy, state, event, detail)) {
      for (const notifier of [STATUS, DEPLOYMENT]) {
        const telling = { app: deploy.app, notifier, ...news, of: { cause: id, state } };
        await add(telling, `${id}-${state}-${notifier}-${news.deploy}`);
      }
    }
  }
  await asking(() => redis.lrem(keys.notices, 1, notice));
  return true;
}

/** What GitHub hears of one deploy, it hears one after another, so that it makes one deployment of it. */
function createTurns() {
  const last = new Map<string, Promise<void>>();
  return async ({ data }: Job<Telling>, run: () => Promise<void>): Promise<void> => {
    if (data.notifier !== DEPLOYMENT) return run();
    const turn = (last.get(data.deploy) ?? Promise.resolve()).catch(() => {}).then(run);
    last.set(data.deploy, turn);
    try {
      await turn;
    } finally {
      if (last.get(data.deploy) === turn) last.delete(data.deploy);
    }
  };
}

function eventOf(deploy: Deploy, state: string): NoticeEvent | null {
  if (state === "guard-tripped" || state === "crash-loop") return state;
  if (state === "check-failing") return state;
  if (state === "certificate-ends" || state === "certificate-failed") return state;
  if (state === "disk-low") return state;
  if (state === "running") return "deploy.started";
  if (state === "live") return deploy.kind === "rollback" ? "deploy.rolled-back" : "deploy.live";
  if (/^(held|failed|cancelled|superseded)$/.test(state)) return `deploy.${state}` as NoticeEvent;
  return null;
}

interface Answer {
  status: number;
  arrived: boolean;
  /** Whether a later try may fare better. */
  again: boolean;
  text?: string;
}

type Telegram = Message | Mail | GithubDeployment;

/** HTTP says with 4xx that the fault is ours, SMTP with 5xx. */
async function tellOnce(
  { outward, allowPrivate }: Options,
  message: Telegram,
  ms: number,
): Promise<Answer> {
  if ("server" in message) {
    const { status, text } = await sendMail(outward, message, { ms, plain: allowPrivate });
    return { status, arrived: status === 250, again: status < 500, text };
  }
  const status = await ("repo" in message
    ? tellGithub(outward, message, ms)
    : send(outward, message, ms));
  const again = status >= 500 || status === 429 || status === 408;
  return { status, arrived: status >= 200 && status < 300, again };
}

/** Null when there is nobody to tell any more, or nothing to tell. */
async function messageOf(options: Options, job: Job<Telling>): Promise<Telegram | null> {
  const { store, notifiers, urlOf, logUrlOf } = options;
  const { app, deploy: id, notifier: notifierId, event, detail, of } = job.data;
  const deploy = await store.getDeploy(id);
  if (!deploy) return null;
  if (of) return codeHostMessage(options, job.data, deploy, of);
  const urls = { app: urlOf(app), log: logUrlOf(app, id) };
  const notifier = await notifiers.open(app, notifierId);
  return (
    notifier &&
    format(
      notifier,
      { id: `msg-${job.id}`, event, deploy, urls, ...(detail && { detail }) },
      Date.now(),
    )
  );
}

/** Null also when what is true by now is something else, and is told as well. */
async function codeHostMessage(
  { store, senders, urlOf, logUrlOf }: Options,
  { app, notifier, event, detail }: Telling,
  deploy: Deploy,
  { cause, state }: NonNullable<Telling["of"]>,
): Promise<Telegram | null> {
  if (state === "running" && deploy.state !== "running") return null;
  if (state === "held" && deploy.state !== "held") return null;
  const came = await store.getDeploy(cause);
  if (state === "guard-tripped" && came?.state === "live") return null;
  if (await isOutdated(store, { app, deploy: deploy.id, cause })) return null;
  const sender = (await senders.list(app)).find((one) => one.id === deploy.sender);
  if (!sender) return null;
  const credentials = await senders.credentials(app, sender.id);
  const told = { deploy, event, ...(detail && { detail }) };
  const urls = { app: urlOf(app), log: logUrlOf(app, deploy.id) };
  return notifier === STATUS
    ? commitStatus(sender, credentials, told, urls.log)
    : githubDeployment(sender, credentials, told, urls);
}

async function tell(options: Options, times: Times, job: Job<Telling>): Promise<void> {
  const { notifiers } = options;
  const { app, deploy, notifier, event } = job.data;
  const message = await messageOf(options, job);
  if (!message) return;
  const attempt = job.attemptsMade + 1;
  const row = { at: Date.now(), notifier, event, deploy, attempt };
  let answer: Answer;
  try {
    answer = await tellOnce(options, message, times.exchangeMs);
  } catch (error) {
    const says = isTealError(error) ? error.says : (error as Error).message;
    await notifiers.record(app, { ...row, error: says.slice(0, 300) });
    if (isTealError(error, "private-address")) throw new UnrecoverableError(says);
    throw error;
  }
  const { status, again } = answer;
  if (answer.arrived) return notifiers.record(app, { ...row, status });
  const error = `it answered ${answer.text ?? status}`;
  await notifiers.record(app, { ...row, status, error });
  throw again ? new Error(error) : new UnrecoverableError(error);
}
