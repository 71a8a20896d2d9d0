import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform, type Readable, type Writable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Access, Identity } from "../apps/access.ts";
import { addressOf } from "../apps/audit-http.ts";
import type { Audit } from "../apps/audit.ts";
import { isTealError, TealError } from "../apps/errors.ts";
import type { Service } from "../apps/git.ts";
import { asTealError, retryAfter } from "../apps/http.ts";
import type { Log } from "../apps/log.ts";
import { createGitService, type GitServiceOptions } from "./git-service.ts";
import { parseTarget, type Target } from "./git-target.ts";

interface Options extends GitServiceOptions {
  access: Pick<Access, "may" | "signIn">;
  audit: Pick<Audit, "record">;
  log: Log;
  /** Largest request after unpacking, in bytes; a push may be as large as git takes (`receive.maxInputSize`). */
  limits?: { push: number; fetch: number };
  /** A client that sends nothing for so long while a request is expected is cut off. */
  idleMs?: number;
}

const MiB = 1024 * 1024;
const LINGER_MS = 10_000;

/** Git's smart HTTP protocol under `/git/`. The handler resolves to false for any other path. */
export function createGitHttp(options: Options) {
  const {
    access,
    audit,
    log,
    idleMs = 60_000,
    limits = { push: 513 * MiB, fetch: 32 * MiB },
  } = options;
  const open = createGitService(options);

  return async function handle(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    if (!/^\/git(\/|$)/.test(req.url ?? "")) return false;
    req.on("error", () => {});
    res.on("error", () => {});
    try {
      const target = parseTarget(req);
      const identity = await identify(req);
      if (!identity) challenge(res);
      else await serve(req, res, target, identity);
    } catch (error) {
      answerError(res, asTealError(error, log, `${req.method} ${req.url?.slice(0, 200)}`));
    }
    return true;
  };

  async function identify(req: IncomingMessage): Promise<Identity | null> {
    const basic = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(req.headers.authorization ?? "")?.[1];
    if (!basic) return null;
    const [, account = "", secret] =
      /^([^:]*):(.*)$/s.exec(Buffer.from(basic, "base64").toString("utf8")) ?? [];
    const via = { over: "git", address: addressOf(req) } as const;
    const identity = secret ? await access.signIn(secret, { address: via.address, account }) : null;
    if (identity) return { ...identity, via };
    const error = "not-signed-in";
    await audit.record(null, via, { action: "sign-in", outcome: "refused", error });
    return null;
  }

  async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    target: Target,
    identity: Identity,
  ): Promise<void> {
    const { app, service, advertise } = target;
    const header = req.headers["git-protocol"];
    const protocol = typeof header === "string" ? header : undefined;
    const body = advertise ? null : bodyOf(req, service);
    const child = await open({ identity, app, service, advertise, stateless: true, protocol });
    child.stderr!.resume();
    if (!body) child.stdin!.end();
    const refusal = body ? feed(req, body, child.stdin!) : () => null;
    await answer(res, child, target, protocol).catch((error: unknown) => {
      throw refusal() ?? error;
    });
  }

  /**
   * Streams the request to git. When it breaks off or is too large, git's input ends early and git
   * takes nothing. When git ends first it has refused the push and is about to say why, so the rest
   * is let go by for a while: a connection cut now would hide the answer. Returns what was wrong.
   */
  function feed(
    req: IncomingMessage,
    transforms: Transform[],
    stdin: Writable,
  ): () => TealError | null {
    let wrong: TealError | null = null;
    const stop = (error?: unknown) => {
      if (isTealError(error)) wrong = error;
      req.unpipe();
      for (const transform of transforms) transform.destroy();
      stdin.destroy();
      if (req.complete) return;
      req.resume();
      setTimeout(() => req.destroy(), LINGER_MS).unref();
    };
    req.setTimeout(idleMs, () => req.destroy());
    req.once("end", () => req.setTimeout(0));
    req.once("close", () => req.complete || stdin.destroy());
    stdin.once("error", stop);
    for (const transform of transforms) transform.once("error", stop);
    const stages: (Transform | Writable)[] = [...transforms, stdin];
    stages.reduce<Readable>((from, to) => from.pipe(to as Transform), req);
    return () => wrong;
  }

  /** @throws bad-request for a kind of body that git does not send */
  function bodyOf(req: IncomingMessage, service: Service): Transform[] {
    const limit = service === "receive-pack" ? limits.push : limits.fetch;
    if (req.headers["content-type"] !== `application/x-git-${service}-request`) {
      throw new TealError("bad-request", {
        detail: `a git client sends application/x-git-${service}-request here`,
      });
    }
    const encoding = req.headers["content-encoding"] ?? "identity";
    if (encoding === "identity") return [capped(limit)];
    if (encoding === "gzip" || encoding === "x-gzip") return [createGunzip(), capped(limit)];
    throw new TealError("bad-request", { detail: "a git request comes plain or as gzip" });
  }

  /**
   * Streams git's answer. With the client gone git is still read to its end, so that a push whose
   * deploy goes on also moves its branch.
   */
  async function answer(
    res: ServerResponse,
    child: ChildProcess,
    target: Target,
    protocol: string | undefined,
  ): Promise<void> {
    const { service, advertise } = target;
    const git = child.stdout!;
    const closed = new Promise<number | null>((resolve) => {
      child.once("error", () => resolve(null));
      child.once("close", resolve);
    });
    if (service === "upload-pack") res.once("close", () => child.kill());
    const head = await firstChunk(git);
    if (!head && (await closed) !== 0)
      throw new Error(`git ${service} ended with ${child.exitCode ?? child.signalCode}`);
    res.writeHead(200, {
      "Content-Type": `application/x-git-${service}-${advertise ? "advertisement" : "result"}`,
      ...NOT_CACHED,
    });
    if (advertise && !(service === "upload-pack" && protocol === "version=2"))
      res.write(serviceLine(service));
    if (head) res.write(head);
    for await (const chunk of git as AsyncIterable<Buffer>) {
      if (!res.destroyed && !res.write(chunk)) await drained(res);
    }
    if ((await closed) === 0) res.end();
    // All that git said, without the end of the answer: a client that got a whole one would wait for more.
    else res.socket?.destroySoon();
  }
}

const NOT_CACHED = {
  "Cache-Control": "no-cache, max-age=0, must-revalidate",
  "X-Content-Type-Options": "nosniff",
};

function challenge(res: ServerResponse): void {
  res.setHeader(
    "WWW-Authenticate",
    'Basic realm="teal: any name, a token as password", charset="UTF-8"',
  );
  answerError(res, new TealError("not-signed-in"));
}

/** Git shows a plain text body to its user. */
function answerError(res: ServerResponse, error: TealError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(error.status, {
    "Content-Type": "text/plain; charset=utf-8",
    Connection: "close",
    ...retryAfter(error),
    ...NOT_CACHED,
  });
  res.end(`${error.says}\n${error.todo}\n`);
}

/** Lets at most `limit` bytes pass. */
function capped(limit: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      if (size > limit) done(new TealError("too-large", { limit }));
      else done(null, chunk);
    },
  });
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off("drain", done).off("close", done);
      resolve();
    };
    res.on("drain", done).on("close", done);
  });
}

async function firstChunk(stream: Readable): Promise<Buffer | null> {
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk) return chunk;
    if (stream.readableEnded) return null;
    await Promise.race([once(stream, "readable"), once(stream, "end")]);
  }
}

function serviceLine(service: Service): string {
  const line = `# service=git-${service}\n`;
  return `${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`;
}
