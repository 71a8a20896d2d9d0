import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { ServerChannel, Session } from "ssh2";
import type { Access, Identity } from "../apps/access.ts";
import { TealError } from "../apps/errors.ts";
import { asTealError } from "../apps/http.ts";
import type { Log } from "../apps/log.ts";
import type { Service } from "../apps/git.ts";
import { createGitService, type GitServiceOptions } from "./git-service.ts";
import { createTerminal, type SshTerminal } from "./ssh-terminal.ts";
import { splitWords } from "./words.ts";

export interface ExecOptions extends GitServiceOptions {
  access: Pick<Access, "may" | "createToken" | "revokeToken">;
  /** The platform's command line, run by this process's own Node. */
  cliFile: string;
  /** Where that finds the API. */
  apiUrl: string;
  /** Where people reach the platform, if its admin has said so. */
  publicUrl: string | null;
  /** A folder for Node's compiled code, so that commands start in half of the time. */
  compileCache?: string;
  log: Log;
}

const GIT = /^git-(receive-pack|upload-pack) '\/?([a-z][a-z0-9-]{0,30})(?:\.git)?'$/;
const TOKEN_TTL_MS = 24 * 60 * 60 * 1000;
const KILL_AFTER_MS = 5000;
const MAX_COMMAND = 64 * 1024;

const NO_SHELL = usage(
  "A command was expected; there is no shell here",
  "Say one, such as 'ssh -p 2222 teal@HOST apps:list', or push with git.",
);

interface Wish {
  command: string;
  /** Asked anew for each command: a connection may outlive its key. */
  who: () => Promise<Identity | null>;
  /** The client's GIT_PROTOCOL. */
  protocol: string | undefined;
  terminal: SshTerminal;
  /** The address that the client connected to. */
  at: string;
}

/** What a session of an authenticated client may do: git for an app, or one command of the platform. */
export function createExec(options: ExecOptions) {
  const { access, log, cliFile, apiUrl, publicUrl, compileCache } = options;
  const openGit = createGitService(options);

  return function serve(
    session: Session,
    who: () => Promise<Identity | null>,
    at: string,
    stop: AbortSignal,
  ): void {
    let protocol: string | undefined;
    session.on("error", (error: Error) => log.debug({ error: error.message }, "ssh session"));
    session.on("env", (accept, reject, { key, val }) => {
      if (key === "GIT_PROTOCOL") {
        protocol = val;
        accept?.();
      } else reject?.();
    });
    const terminal = createTerminal(session);
    session.on("shell", (accept) => refuse(accept(), NO_SHELL));
    session.on("subsystem", (accept) => refuse(accept(), NO_SHELL));
    session.on("exec", (accept, _, { command }) => {
      const channel = accept();
      channel.on("error", () => {});
      run(channel, { command, who, protocol, terminal, at }, stop).then(
        (status) => finish(channel, status),
        (error: unknown) => refuse(channel, asTealError(error, log, "ssh")),
      );
    });
  };

  async function run(channel: ServerChannel, wish: Wish, stop: AbortSignal): Promise<number> {
    const { command, protocol, terminal, at } = wish;
    const identity = await wish.who();
    if (!identity) throw new TealError("not-signed-in");
    const [, service, app] = GIT.exec(command) ?? [];
    if (service && app) {
      const child = await openGit({ identity, app, service: service as Service, protocol });
      return connect(channel, child, service === "upload-pack", stop);
    }
    const words = wordsOf(command);
    const token = await access.createToken({ ...identity, ttlMs: TOKEN_TTL_MS });
    try {
      const child = startCommand(words, token.secret, { terminal, at });
      terminal.attach(words, child, channel);
      const printed = (output: NodeJS.ReadableStream) => terminal.printed(words, output);
      return await connect(channel, child, true, stop, printed);
    } finally {
      await access.revokeToken(token.id);
    }
  }

  function startCommand(
    words: string[],
    token: string,
    { terminal, at }: Pick<Wish, "terminal" | "at">,
  ): ChildProcess {
    return spawn(process.execPath, [cliFile, ...words], {
      // No repository here from which the command could infer an app.
      cwd: "/",
      env: {
        PATH: "/usr/bin:/bin",
        HOME: "/nonexistent",
        LC_ALL: "C.UTF-8",
        TEAL_URL: apiUrl,
        // What the client calls this platform: the loopback is nothing to it.
        TEAL_OVER_SSH: publicUrl ?? at,
        TEAL_TOKEN: token,
        ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
        ...terminal.env(words),
      },
      stdio: ["pipe", "pipe", "pipe", "ipc"],
    });
  }
}

/** @throws wrong-usage for any use of git but the two, too, so that none of them reaches a command line */
function wordsOf(command: string): string[] {
  if (/^\s*git\b/.test(command)) {
    throw usage(
      "git-receive-pack 'APP' or git-upload-pack 'APP' was expected",
      "Use a remote such as ssh://teal@HOST:2222/APP.",
    );
  }
  const words =
    command.length <= MAX_COMMAND && !command.includes("\0") ? splitWords(command) : null;
  if (!words || words.length === 0)
    throw usage(
      "A command with its quotes closed was expected",
      "Put each argument in single quotes.",
    );
  return words;
}

function usage(detail: string, todo: string): TealError {
  return new TealError("wrong-usage", { detail, todo });
}

/**
 * Connects a child with the client until the child has ended; resolves with its status. When the
 * client goes first the child ends too, unless it is a push: that one is only read to its end.
 */
async function connect(
  channel: ServerChannel,
  child: ChildProcess,
  endWithClient: boolean,
  stop: AbortSignal,
  printed = (output: NodeJS.ReadableStream) => output,
): Promise<number> {
  const { stdin, stdout, stderr } = child as ChildProcess & {
    stdin: NonNullable<ChildProcess["stdin"]>;
  };
  stdin.on("error", () => {});
  channel.pipe(stdin);
  const [out, err] = [printed(stdout!), printed(stderr!)];
  out.pipe(channel, { end: false });
  err.pipe(channel.stderr, { end: false });
  const leave = () => {
    // A closed channel never calls back, so that a pipe into it would stand still.
    out.unpipe(channel);
    err.unpipe(channel.stderr);
    out.resume();
    err.resume();
    stdin.destroy();
    if (endWithClient) endChild(child);
  };
  const abort = () => endChild(child);
  channel.once("close", leave);
  stop.addEventListener("abort", abort, { once: true });
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code ?? 1;
  } finally {
    channel.off("close", leave);
    stop.removeEventListener("abort", abort);
  }
}

function endChild(child: ChildProcess): void {
  child.kill();
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS).unref();
  child.once("close", () => clearTimeout(timer));
}

function finish(channel: ServerChannel, status: number): void {
  if (!channel.writable) return;
  channel.exit(status);
  channel.end();
}

function refuse(channel: ServerChannel, error: TealError): void {
  channel.on("error", () => {});
  if (!channel.writable) return;
  channel.stderr.write(`${error.says}\n${error.todo}\n`);
  finish(channel, error.exit);
}
