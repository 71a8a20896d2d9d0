import type { ChildProcess } from "node:child_process";
import type { Access, Identity, Via } from "../apps/access.ts";
import type { Audit } from "../apps/audit.ts";
import { isTealError, TealError } from "../apps/errors.ts";
import type { Git, Service } from "../apps/git.ts";
import { checkMemory } from "../apps/room.ts";
import type { Store } from "../apps/store.ts";
import { APP_NAME } from "../apps/types.ts";
import type { Receiver } from "./receive.ts";

export interface GitServiceOptions {
  access: Pick<Access, "may">;
  audit: Pick<Audit, "record">;
  git: Pick<Git, "init" | "exists" | "hasRefs" | "remove" | "spawnService" | "freeBytes">;
  store: Pick<Store, "getApp">;
  receiver: Pick<Receiver, "register">;
  /** Below this many free bytes on disk no push is taken. */
  minFreeBytes?: number;
  /** Nor below this much free memory, in bytes. */
  minFreeMemory?: number;
}

interface Wish {
  identity: Identity;
  app: string;
  service: Service;
  advertise?: boolean;
  stateless?: boolean;
  protocol?: string | undefined;
}

const MiB = 1024 * 1024;

/** Git for a known identity, the same over HTTP and SSH. */
export function createGitService(options: GitServiceOptions) {
  const { access, audit, git, store, receiver, minFreeBytes = 1024 * MiB } = options;
  const { minFreeMemory } = options;

  /**
   * Starts git for a client that may use it; the caller connects the streams.
   * @throws app-not-found (also for what the identity may not read), not-allowed, app-destroyed, disk-full, memory-low, too-many-pushes
   */
  return async function open(wish: Wish): Promise<ChildProcess> {
    const { identity, app, service } = wish;
    await authorise(wish).catch(async (error: unknown) => {
      await noteRefusal(wish, error);
      throw error;
    });
    await git.init(app);
    const { advertise = false, stateless = false, protocol } = wish;
    if (service === "upload-pack")
      return git.spawnService(app, service, { advertise, stateless, protocol });
    await checkDisk();
    await checkMemory(minFreeMemory);
    if (advertise) return git.spawnService(app, service, { advertise, stateless });
    const push = receiver.register(app, identity);
    const child = git.spawnService(app, service, { stateless, env: push.env });
    child.once("error", push.end);
    child.once("exit", push.end);
    return child;
  };

  async function noteRefusal({ identity, app, service }: Wish, error: unknown): Promise<void> {
    if (!isTealError(error, "not-allowed", "app-not-found", "app-destroyed")) return;
    const action = service === "receive-pack" ? "push" : "fetch";
    const refusal = { action, app, outcome: "refused", error: error.code } as const;
    await audit.record(identity, viaOf(identity), refusal);
  }

  async function authorise({ identity, app: name, service }: Wish): Promise<void> {
    if (!APP_NAME.test(name)) throw new TealError("app-not-found", { name });
    const app = await store.getApp(name);
    if (!app) {
      if (service !== "receive-pack" || !access.may(identity, "admin"))
        throw new TealError("app-not-found", { name });
      return clearLeftover(name);
    }
    if (!access.may(identity, "read", name)) throw new TealError("app-not-found", { name });
    if (app.state === "destroying") throw new TealError("app-destroyed", { name });
    if (service === "receive-pack" && !access.may(identity, "push", name)) {
      throw new TealError("not-allowed", { who: identity.name, action: `push to ${name}` });
    }
  }

  /**
   * References without an app are those of a destroyed one of the same name. The store is asked
   * again, since an accepted push makes the app before it writes its first reference.
   */
  async function clearLeftover(name: string): Promise<void> {
    if (!(await git.exists(name)) || !(await git.hasRefs(name))) return;
    if (!(await store.getApp(name))) await git.remove(name);
  }

  async function checkDisk(): Promise<void> {
    const free = await git.freeBytes();
    if (free >= minFreeBytes) return;
    throw new TealError("disk-full", {
      needed: Math.ceil(minFreeBytes / MiB),
      free: Math.floor(free / MiB),
    });
  }
}

/** How a client of git came in; its entrance says so. */
export function viaOf({ via }: Identity): Via {
  return via ?? { over: "git", address: null };
}
