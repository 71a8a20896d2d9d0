import type { ChildProcess } from "node:child_process";
import { Transform } from "node:stream";
import type { ServerChannel, Session } from "ssh2";

/** The terminal at a client's end (`ssh -t`), if it said that it has one. */
export interface SshTerminal {
  /** What a command has to know of it; nothing without one. */
  env(words: string[]): Record<string, string>;
  /**
   * Connects it with a command: changes of its size are told to those that run something in it;
   * of all others Ctrl-C ends the command.
   */
  attach(words: string[], child: ChildProcess, channel: ServerChannel): void;
  /** What a command prints, made fit for it. */
  printed(words: string[], output: NodeJS.ReadableStream): NodeJS.ReadableStream;
}

const CTRL_C = 3;
const CTRL_D = 4;
const LARGEST = 1000;

export function createTerminal(session: Session): SshTerminal {
  let pty: { columns: number; rows: number; term: string } | null = null;
  let told: ((size: { columns: number; rows: number }) => void) | null = null;
  const within = (count: number) => Math.min(LARGEST, Math.max(1, count));
  session.on("pty", (accept, _reject, { cols, rows, ...more }) => {
    const term = "term" in more && typeof more.term === "string" ? more.term : "xterm";
    pty = { columns: within(cols || 80), rows: within(rows || 24), term };
    accept?.();
  });
  session.on("window-change", (accept, _reject, { cols, rows }) => {
    told?.({ columns: within(cols), rows: within(rows) });
    accept?.();
  });

  return {
    env(words): Record<string, string> {
      if (!pty) return {};
      const TERM = pty.term.slice(0, 60);
      if (!isRaw(words)) return { TEAL_COLUMNS: String(pty.columns), TERM };
      return { TEAL_TTY: `${pty.columns}x${pty.rows}`, TERM };
    },
    attach(words, child, channel) {
      if (!pty) return;
      if (isRaw(words)) {
        told = (size) => child.connected && child.send(size, () => {});
        return;
      }
      // A terminal in raw mode sends keys, not signals.
      channel.on("data", (bytes: Buffer) => {
        if (bytes.includes(CTRL_C)) child.kill("SIGINT");
        else if (bytes.includes(CTRL_D)) child.stdin?.end();
      });
    },
    printed(words, output) {
      return pty && !isRaw(words) ? output.pipe(withReturns()) : output;
    },
  };
}

/** Commands that hand the terminal on as it is. */
function isRaw(words: string[]): boolean {
  return words.some((word) => word === "run" || word === "enter");
}

/** A terminal in raw mode goes to the beginning of a line only when it is told to. */
function withReturns(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.from(chunk.toString("latin1").replaceAll("\n", "\r\n"), "latin1"));
    },
  });
}
