import type { Access, Identity } from "../apps/access.ts";
import type { Audit } from "../apps/audit.ts";
import type { DeployLog, LogKind } from "../apps/deploy-log.ts";
import { isTealError, TealError } from "../apps/errors.ts";
import type { Git } from "../apps/git.ts";
import { asTealError } from "../apps/http.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { Deploy, Intent } from "../apps/types.ts";
import { viaOf } from "./git-service.ts";
import { unknownOptions, wishOf } from "./push-options.ts";
import { judge, parseRefLines, shortRef, type RefLine } from "./ref-rules.ts";

/** What the hook handed over, and for whom git was started. */
export interface Push {
  app: string;
  identity: Identity;
  /** `OLD NEW REF` per line. */
  lines: string;
  /** Where git keeps the new objects until the hook has said yes. */
  quarantine: string | undefined;
  options: string[];
  /** Resolves when no other push to the app is about to move its branch; this one is until git ends. */
  turn(): Promise<void>;
}

/** The person who pushes. */
export interface Remote {
  print(kind: LogKind, text: string): Promise<void>;
  exit(code: number): void;
  /** Nobody reads any more, and git will not move the branch. */
  gone: AbortSignal;
}

export interface AcceptOptions {
  store: Pick<Store, "getApp" | "createApp" | "getDeploy">;
  git: Pick<Git, "inspect" | "completeness" | "pin" | "readRef" | "moveRef">;
  access: Pick<Access, "may">;
  audit: Pick<Audit, "record">;
  deploys: { push(intent: Intent): Promise<Deploy> };
  deployLog: Pick<DeployLog, "follow">;
  log: Log;
  /** Told of "ref-quarantined" and "ref-updated". */
  reach?: (step: string) => void | Promise<void>;
}

type DeployLine = RefLine & { new: string };

const EMPTY_TREES: readonly string[] = [
  "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/** The gate: decides about a push, makes it durable, and stays with its deploy. Resolves with the hook's status. */
export function createAccept(options: AcceptOptions) {
  const { store, git, access, audit, deploys, deployLog, log } = options;
  const reach = options.reach ?? (() => {});

  return async function accept(push: Push, remote: Remote, stop: AbortSignal): Promise<number> {
    try {
      const { refusals, deploy, stored } = judge(parseRefLines(push.lines));
      for (const refusal of refusals) await printError(remote, refusal);
      if (refusals[0]) return await noteEnd(push, refusals[0]);
      // What it says wrongly is refused before anything is made of the push.
      wishOf(push.options);
      const subject = deploy && (await examine(push, deploy));
      await reach("ref-quarantined");
      await ensureApp(push);
      await explain(push, stored, remote);
      if (!deploy) return await noteEnd(push, null);
      await git.pin(push.app, deploy.new, push.quarantine);
      await reach("ref-updated");
      return await deployAndFollow(push, deploy, subject ?? "", remote, stop);
    } catch (error) {
      if (stop.aborted) return 1;
      const known = asTealError(error, log, `push to ${push.app}`);
      await printError(remote, known);
      return noteEnd(push, known);
    }
  };

  /** A push that led to no deploy; gives the hook's status. */
  async function noteEnd({ app, identity, lines }: Push, error: TealError | null): Promise<number> {
    const refs = lines
      .split("\n")
      .map((line) => line.split(" ")[2] ?? "")
      .join(" ");
    const what = { action: "push", app, detail: { refs } };
    const end = error && ({ outcome: "failed", error: error.code } as const);
    await audit.record(identity, viaOf(identity), { ...what, ...end });
    return error ? 1 : 0;
  }

  /** The subject of the commit to deploy. @throws shallow-push, empty-push, commit-missing */
  async function examine({ app, quarantine }: Push, { new: id, ref }: DeployLine): Promise<string> {
    const branch = shortRef(ref);
    const commit = id.slice(0, 12);
    const found = await git.inspect(app, id, quarantine);
    if (!found) throw new TealError("commit-missing", { branch, commit });
    const state = await git.completeness(app, id, quarantine);
    if (state === "shallow") throw new TealError("shallow-push", { branch });
    if (state === "broken") throw new TealError("commit-missing", { branch, commit });
    if (EMPTY_TREES.includes(found.tree)) throw new TealError("empty-push", { commit });
    return found.subject;
  }

  /** The first push that is accepted makes the app. @throws app-not-found, app-destroyed */
  async function ensureApp({ app: name, identity }: Push): Promise<void> {
    const app = await store.getApp(name);
    if (app?.state === "destroying") throw new TealError("app-destroyed", { name });
    if (app) return;
    if (!access.may(identity, "admin")) throw new TealError("app-not-found", { name });
    await store.createApp(name, identity.name).catch((error: unknown) => {
      if (!isTealError(error, "app-exists")) throw error;
    });
  }

  async function explain(push: Push, stored: RefLine[], remote: Remote): Promise<void> {
    for (const option of unknownOptions(push.options)) {
      await remote.print(
        "warn",
        `The push option "${option.slice(0, 100)}" is not known here and changes nothing.`,
      );
    }
    for (const { ref, new: to } of stored.slice(0, 20)) {
      if (to === null) continue;
      const source = ref.startsWith("refs/tags/") ? `${shortRef(ref)}^{}` : shortRef(ref);
      await remote.print(
        "info",
        `${shortRef(ref)} is kept and not deployed. To deploy it: git push deploy ${source}:main`,
      );
    }
  }

  async function deployAndFollow(
    push: Push,
    line: DeployLine,
    subject: string,
    remote: Remote,
    stop: AbortSignal,
  ) {
    const { app, identity } = push;
    const intent: Intent = {
      app,
      kind: "push",
      commit: line.new,
      ref: line.ref,
      by: identity.name,
      why: subject,
      ...wishOf(push.options),
    };
    const deploy = await deploys.push(intent);
    const detail = { commit: line.new.slice(0, 12), ref: line.ref };
    const done = { action: "push", app, deploy: deploy.id, detail };
    await audit.record(identity, viaOf(identity), done);
    await remote.print("step", `Deploy ${deploy.id}: ${line.new.slice(0, 12)} ${subject}`);
    await remote.print(
      "info",
      `Ctrl-C leaves it running; to look at it again: teal logs --deploy ${deploy.id} -a ${app}`,
    );
    const end = await follow(deploy.id, remote, stop);
    const status = await printEnd(end, deploy.id, remote);
    if (status === 0) await settleBranch(push, line, remote);
    return status;
  }

  /** Lets the deploy's lines through until it has ended. Null: the app was destroyed meanwhile. */
  async function follow(id: string, remote: Remote, signal: AbortSignal): Promise<Deploy | null> {
    for await (const line of deployLog.follow(id, { signal }))
      await remote.print(line.kind, line.text);
    signal.throwIfAborted();
    return store.getDeploy(id);
  }

  /**
   * Leaves the branch so that it ends at the commit that is live. Git moves it from where it was
   * when the push began; a push that went live in between has moved it on, and git would call this
   * one rejected, so the branch is put back for the moment. With the client gone nobody else moves it.
   */
  async function settleBranch(push: Push, line: DeployLine, remote: Remote): Promise<void> {
    const { app } = push;
    await push.turn();
    if (remote.gone.aborted) {
      await git.moveRef(app, line.ref, line.new, line.old);
      return;
    }
    const at = await git.readRef(app, line.ref);
    if (at !== line.old) await git.moveRef(app, line.ref, line.old, at);
  }
}

async function printEnd(deploy: Deploy | null, id: string, remote: Remote): Promise<number> {
  if (deploy?.state === "live" || deploy?.state === "held") return 0;
  if (deploy?.state === "superseded") {
    await remote.print(
      "error",
      `${id} was superseded by ${deploy.supersededBy ?? "a newer deploy"}: this commit is not live.`,
    );
  } else {
    await remote.print(
      "error",
      `${id} ${deploy?.state ?? "is gone"}: ${deploy?.error ?? "the app was destroyed"}`,
    );
  }
  return 1;
}

async function printError(remote: Remote, error: TealError): Promise<void> {
  await remote.print("error", error.says);
  await remote.print("error", error.todo);
}
