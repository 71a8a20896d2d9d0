import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { addressOf } from "../apps/audit-http.ts";
import type { Audit } from "../apps/audit.ts";
import type { Deploys } from "../apps/deploys.ts";
import { TealError } from "../apps/errors.ts";
import { asTealError, withinDeadline } from "../apps/http.ts";
import type { Log } from "../apps/log.ts";
import type { Redelivering, Sender, Senders } from "../apps/senders.ts";
import type { Store } from "../apps/store.ts";
import type { Deploy, Intent } from "../apps/types.ts";
import { APP_NAME } from "../apps/types.ts";
import { parsePayload, readRawBody } from "./webhook-body.ts";
import { cameWith } from "./webhook-came.ts";
import { readEvent, type Happening } from "./webhook-events.ts";
import { deliveryId, identityOf, oneLine, refusalOf, repoUrl } from "./webhook-rules.ts";
import { header, verify, WINDOW_MS, type Signed } from "./webhook-signature.ts";

interface Options {
  store: Pick<Store, "getApp" | "listDeploys">;
  senders: Pick<Senders, "withSecrets" | "list" | "record" | "deliveries" | "came" | "madeBy">;
  deploys: Pick<Deploys, "push">;
  audit: Pick<Audit, "record">;
  log: Log;
  /** ms */
  now?: () => number;
}

/** What is answered to a delivery that was believed. */
type Outcome = { deploy: string } | { deploy: null; reason: string };

type Incoming = Signed & { address: string | null };

/** Who asks that a delivery is looked at again; its signature was found good when it came. */
interface Again {
  by: string;
  /** Makes it another delivery than the one before. */
  mark: string;
}

const PATH = /^\/hooks\/([a-z][a-z0-9-]{0,30})(?:\/([0-9a-f]{12})(?:\/([\w-]{43}))?)?$/;
const LINGER_MS = 5000;
const STILL_WANTED: readonly string[] = ["queued", "running", "held", "live"];

/**
 * Deliveries of CI systems under `/hooks/`. The handler resolves to false for any other path.
 * Nothing is written before the signature was found good; a deploy's record is written before the
 * answer, and what it needs is fetched by a worker.
 */
export function createWebhooks(options: Options): Redelivering & {
  handle(req: IncomingMessage, res: ServerResponse): Promise<boolean>;
} {
  const { store, senders, deploys, audit, log, now = Date.now } = options;

  /** False for a path that is not of webhooks. */
  async function handle(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    if (!/^\/hooks([/?]|$)/.test(req.url ?? "")) return false;
    req.on("error", () => {});
    res.on("error", () => {});
    try {
      const { app, id, key } = targetOf(req);
      const body = await readRawBody(req);
      const outcome = await withinDeadline(
        receive(app, id, { headers: req.headers, body, key, address: addressOf(req) }),
      );
      const url = outcome.deploy && `${originOf(req)}/apps/${app}/deploys/${outcome.deploy}`;
      answer(res, outcome.deploy ? 202 : 200, { ...outcome, ...(url && { url }) });
    } catch (caught) {
      const { status, code, says, todo } = asTealError(caught, log, "a webhook delivery");
      if (!req.complete) cutOff(req, res);
      answer(res, status, { error: code, detail: says, todo });
    }
    return true;
  }

  async function redeliver(app: string, key: string, by: string): Promise<Outcome> {
    const came = await senders.came(app, key);
    const before = (await senders.deliveries(app)).find((one) => one.key === key);
    if (!came || !before) throw new TealError("delivery-gone", { app, id: key });
    const sender = (await senders.list(app)).find((one) => one.id === before.sender);
    if (!sender) throw new TealError("sender-not-found", { app, id: before.sender });
    const signed = { headers: came.headers, body: Buffer.from(came.body), address: null };
    return look(sender, signed, before.id, { by, mark: randomBytes(6).toString("hex") });
  }

  /** @throws bad-signature, stale-delivery, bad-request, app-not-found, app-destroyed, store-unavailable */
  async function receive(app: string, id: string | null, signed: Incoming): Promise<Outcome> {
    return look(await findSender(app, id, signed), signed, deliveryId(signed));
  }

  /** What a delivery that is believed leads to, and its line in the list. */
  async function look(
    sender: Sender,
    signed: Incoming,
    given: string,
    again?: Again,
  ): Promise<Outcome> {
    const { app } = sender;
    const payload = parsePayload(signed.body, header(signed.headers, "content-type"));
    const found = readEvent(sender.provider, signed.headers, payload, sender);
    const outcome =
      "reason" in found ? nothing(found.reason) : await decide(sender, found, signed, again);
    const { deploy, ...rest } = outcome;
    const key = randomBytes(6).toString("hex");
    const delivery = { key, at: now(), sender: sender.id, id: given, event: found.event };
    // The answer does not wait for what is only a list.
    void senders
      .record(app, { ...delivery, ...rest, ...(deploy !== null && { deploy }) }, cameWith(signed))
      .catch((error: unknown) => log.warn({ app, error: String(error) }, "delivery not listed"));
    return outcome;
  }

  /** The one whose secret this was signed with. @throws bad-signature, stale-delivery */
  async function findSender(app: string, id: string | null, signed: Signed): Promise<Sender> {
    let stale = false;
    for (const { sender, secret } of await senders.withSecrets(app, id)) {
      const trust = verify(sender.provider, secret, signed, now());
      if (trust === "good") return sender;
      stale ||= trust === "stale";
    }
    if (!stale) throw new TealError("bad-signature");
    const at = header(signed.headers, "webhook-timestamp");
    throw new TealError("stale-delivery", { minutes: WINDOW_MS / 60_000, at });
  }

  async function decide(
    sender: Sender,
    found: Happening,
    signed: Incoming,
    again?: Again,
  ): Promise<Outcome> {
    const delivery = `${sender.id}:${again?.mark ?? identityOf(sender, signed)}`;
    const before = await senders.madeBy(delivery);
    if (before !== null) return { deploy: before };
    const refusal = refusalOf(sender, found);
    if (refusal !== null) return nothing(refusal);
    const repo = sender.repo ?? repoUrl(found);
    const there = await sameSource(sender.app, found);
    if (there?.delivery === delivery) return { deploy: there.id };
    if (there) {
      const what = found.image ? "image" : "commit";
      return nothing(`${there.id} is about the same ${what} (${there.state})`);
    }
    const intent: Intent = {
      app: sender.app,
      kind: "push",
      by: again?.by ?? `${sender.provider} webhook`,
      why: oneLine(found.why),
      sender: sender.id,
      delivery,
      ...(found.commit && { commit: found.commit }),
      ...(found.ref && { ref: found.ref }),
      ...(found.image && { image: found.image }),
      ...(found.archive && { archive: found.archive }),
      ...(repo !== null && { repo }),
    };
    const { id } = await deploys.push(intent);
    // Who asks again is noted where they asked.
    if (again) return { deploy: id };
    const via = { over: "webhook", address: signed.address } as const;
    const detail = { sender: sender.id, event: found.event };
    void audit.record({ name: intent.by }, via, {
      action: "deploy",
      app: sender.app,
      deploy: id,
      detail,
    });
    return { deploy: id };
  }

  /** CI systems say the same thing in several events; the newest deploy is asked, since a rollback is newer. */
  async function sameSource(app: string, { commit, image }: Happening): Promise<Deploy | null> {
    const exact = image?.includes("@") ? image : undefined;
    if (commit === undefined && exact === undefined) return null;
    const [newest] = await store.listDeploys(app, 1);
    if (!newest || newest.commit !== commit || newest.image !== exact) return null;
    return STILL_WANTED.includes(newest.state) && newest.kind === "push" ? newest : null;
  }

  return { handle, redeliver };
}

/** @throws not-found, method-not-allowed */
function targetOf(req: IncomingMessage): { app: string; id: string | null; key: string } {
  const [, app, id = null, key = ""] = PATH.exec(req.url ?? "") ?? [];
  if (!app || !APP_NAME.test(app)) throw new TealError("not-found", { path: "this address" });
  if (req.method !== "POST") {
    const params = { path: "/hooks/APP/SENDER", allowed: "POST", method: req.method };
    throw new TealError("method-not-allowed", params);
  }
  return { app, id, key };
}

function nothing(reason: string): Outcome {
  return { deploy: null, reason };
}

/** Where the sender reached this platform, as far as it says so in a good form. */
function originOf({ headers }: IncomingMessage): string {
  const host = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.exec(headers.host ?? "");
  const scheme = header(headers, "x-forwarded-proto") === "https" ? "https" : "http";
  return host ? `${scheme}://${host[0]}` : "";
}

/** The rest is let go by for a while: a connection cut now would hide the answer. */
function cutOff(req: IncomingMessage, res: ServerResponse): void {
  res.setHeader("Connection", "close");
  req.resume();
  setTimeout(() => req.destroy(), LINGER_MS).unref();
}

function answer(res: ServerResponse, status: number, body: object): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(status === 405 && { Allow: "POST" }),
  });
  res.end(`${JSON.stringify(body)}\n`);
}
