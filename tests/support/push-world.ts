import { execFile, spawn } from "node:child_process";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAccess, type Identity } from "../../apps/access.ts";
import { createAudit } from "../../apps/audit.ts";
import { createDeployLog, type LogKind } from "../../apps/deploy-log.ts";
import { createGit } from "../../apps/git.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import type { Deploy, FinalState, Intent } from "../../apps/types.ts";
import { createGitHttp } from "../../hooks/git-http.ts";
import { createReceiver } from "../../hooks/receive.ts";
import { createSshServer } from "../../hooks/ssh.ts";
import type { LIMITS } from "../../hooks/ssh-doorman.ts";
import { startRedis } from "./redis.ts";

const ROOT = resolve(import.meta.dirname, "../..");

interface Options {
  maxInputBytes?: number;
  minFreeBytes?: number;
  httpLimits?: { push: number; fetch: number };
  sshLimits?: typeof LIMITS;
  cliFile?: string;
  publicUrl?: string;
  reach?: (step: string) => void | Promise<void>;
}

/** How a deploy of the test ends, and what it says before. */
export interface Script {
  lines: { kind: LogKind; text: string }[];
  state: FinalState;
  error?: string;
  /** The deploy ends when this has resolved. */
  until?: Promise<unknown>;
}

export interface Outcome {
  status: number;
  /** Standard output and error. */
  output: string;
}

/** A child and all that it said; never rejects for a status other than 0. */
export function runCommand(
  command: string,
  args: string[],
  { cwd, env = {}, input }: { cwd: string; env?: Record<string, string>; input?: string | Buffer },
): Promise<Outcome> {
  return new Promise((done) => {
    const child = execFile(
      command,
      args,
      { cwd, env: { PATH: process.env["PATH"]!, ...env }, timeout: 60_000, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        const status = error ? (typeof error.code === "number" ? error.code : 255) : 0;
        done({ status, output: `${stdout}${stderr}` });
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input ?? "");
  });
}

export type PushWorld = Awaited<ReturnType<typeof startPushWorld>>;

/**
 * The way of a push with all its real parts (git, Redis, HTTP and SSH servers, hook), and in the
 * place of the worker a script: it claims the deploy, says some lines, and ends it.
 */
export async function startPushWorld(options: Options = {}) {
  const dir = mkdtempSync(join(tmpdir(), "teal-push-"));
  const server = await startRedis();
  const redis = server.connect();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const store = createRedisStore(redis);
  const access = createAccess(redis);
  const audit = createAudit(redis, log);
  const deployLog = createDeployLog(redis);
  const reposDir = join(dir, "repos");
  const git = createGit({ reposDir, ...pick(options, "maxInputBytes") });
  const deploys: Deploy[] = [];
  const world = { script: defaultScript as (deploy: Deploy) => Script };

  async function execute(app: string): Promise<void> {
    const claimed = await store.claim(app, "test", 60_000);
    if (!claimed) return;
    const { claim, deploy } = claimed;
    const { lines, state, error, until } = world.script(deploy);
    await deployLog.append(deploy.id, lines);
    await until;
    await store.finishDeploy(claim, deploy.id, state, error);
    if (await store.release(claim)) await execute(app);
  }

  const push = async (intent: Intent): Promise<Deploy> => {
    const deploy = await store.requestDeploy(intent);
    deploys.push(deploy);
    void execute(intent.app);
    return deploy;
  };
  const socketPath = join(dir, "run", "hook.sock");
  const receiver = createReceiver({
    socketPath,
    store,
    git,
    access,
    audit,
    deploys: { push },
    deployLog,
    log,
    ...pick(options, "reach"),
  });
  await receiver.listen();
  const minFreeBytes = options.minFreeBytes ?? 1;
  const common = { access, audit, git, store, receiver, minFreeBytes, log };
  const handle = createGitHttp({
    ...common,
    ...(options.httpLimits ? { limits: options.httpLimits } : {}),
  });
  const http = createServer((req, res) => {
    void handle(req, res).then((handled) => handled || res.writeHead(404).end("not git"));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  const { port } = http.address() as AddressInfo;
  const ssh = createSshServer({
    ...common,
    hostKeyFile: join(dir, "ssh-host-key"),
    cliFile: options.cliFile ?? join(ROOT, "apps/cli/main.ts"),
    apiUrl: `http://127.0.0.1:${port}`,
    publicUrl: options.publicUrl ?? null,
    ...(options.sshLimits ? { limits: options.sshLimits } : {}),
  });
  const sshPort = await ssh.listen(0, "127.0.0.1");
  const admin = await access.createToken({ name: "ada", role: "admin", apps: "*" });

  return {
    ...world,
    dir,
    reposDir,
    socketPath,
    redis,
    redisServer: server,
    store,
    access,
    audit,
    git,
    deployLog,
    deploys,
    receiver,
    port,
    sshPort,
    admin: admin.secret,
    /** What the next deploys do. */
    play(script: (deploy: Deploy) => Script) {
      world.script = script;
    },
    remote: (app: string, secret = admin.secret) =>
      `http://x:${secret}@127.0.0.1:${port}/git/${app}.git`,
    token: async (identity: Identity) => (await access.createToken(identity)).secret,
    /** A new clone-side repository with one commit. */
    async repository(files: Record<string, string> = { "index.html": "hello\n" }) {
      return createWorkTree(mkdtempSync(join(dir, "work-")), files);
    },
    async stop() {
      await ssh.close();
      await receiver.close();
      http.closeAllConnections();
      http.close();
      deployLog.close();
      audit.close();
      await server.stop();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export type WorkTree = Awaited<ReturnType<typeof createWorkTree>>;

/** A git repository as a user has it. */
export async function createWorkTree(path: string, files: Record<string, string>) {
  const env = {
    HOME: path,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.org",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.org",
  };
  const git = (args: string[], extra: Record<string, string> = {}) =>
    runCommand("git", args, { cwd: path, env: { ...env, ...extra } });
  const head = async () => (await git(["rev-parse", "HEAD"])).output.trim();
  const write = (more: Record<string, string>) => {
    for (const [name, text] of Object.entries(more)) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), text);
    }
  };
  const commit = async (more: Record<string, string>, message = "A change") => {
    write(more);
    await git(["add", "--all"]);
    await git(["commit", "--quiet", "--allow-empty", "--message", message]);
    return head();
  };
  await git(["init", "--quiet", "--initial-branch=main"]);
  await commit(files, "First");
  return {
    path,
    env,
    git,
    head,
    write,
    commit,
    /** A push that the test can cut off. */
    spawn: (args: string[]) =>
      spawn("git", args, {
        cwd: path,
        env: { PATH: process.env["PATH"]!, ...env },
        detached: true,
      }),
  };
}

/** Polls until `look` gives something other than null, undefined or false; 20 s at most. */
export async function eventually<T>(look: () => Promise<T> | T): Promise<NonNullable<T>> {
  const end = performance.now() + 20_000;
  while (performance.now() < end) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await sleep(20);
  }
  throw new Error("what was waited for did not come within 20 s");
}

function defaultScript(): Script {
  return { lines: [{ kind: "step", text: "Building" }], state: "live" };
}

function pick<T extends object, K extends keyof T>(from: T, key: K): Partial<Pick<T, K>> {
  return from[key] === undefined ? {} : ({ [key]: from[key] } as Pick<T, K>);
}

interface GitRequest {
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Null: no Authorization header at all; unset: the admin's. */
  secret?: string | null;
}

/** One HTTP request with exactly this path; no client normalises it. */
export function requestGit(
  world: { port: number; admin: string },
  method: string,
  path: string,
  { headers = {}, body, secret = world.admin }: GitRequest = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const auth = secret === null ? {} : { auth: `x:${secret}` };
  const {
    promise,
    resolve: done,
    reject: fail,
  } = Promise.withResolvers<{
    status: number;
    headers: IncomingHttpHeaders;
    text: string;
  }>();
  const req = request({
    host: "127.0.0.1",
    port: world.port,
    method,
    path,
    headers,
    agent: false,
    ...auth,
  });
  req.once("error", fail);
  req.once("response", (res) => {
    let text = "";
    res.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
    const finish = () => done({ status: res.statusCode ?? 0, headers: res.headers, text });
    res.once("close", finish);
    res.once("error", () => {});
  });
  req.end(body);
  return promise;
}
