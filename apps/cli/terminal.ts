interface Size {
  columns: number;
  rows: number;
}

/** The terminal that a one-off command is to have: the one here, one that came by SSH, or none. */
export interface Terminal {
  tty: boolean;
  term: string;
  size(): Size;
  /** From now on what is typed goes to the command as it is. */
  begin(events: { resized(size: Size): void; interrupted(): void }): void;
  restore(): void;
}

const PLAIN: Size = { columns: 80, rows: 24 };

/** Over SSH the terminal is at the other end, raw already; its size comes by the channel from the server. */
export function findTerminal(noTty: boolean): Terminal {
  const far = process.env["TEAL_TTY"];
  const { stdin, stdout } = process;
  const near = !far && stdin.isTTY && stdout.isTTY;
  const tty = !noTty && (Boolean(far) || near);
  const [columns, rows] = (far ?? "").split("x").map(Number);
  const here = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  return {
    tty,
    term: /^[A-Za-z0-9._+-]{1,60}$/.exec(process.env["TERM"] ?? "")?.[0] ?? "xterm",
    size: () => (near ? here() : far && columns && rows ? { columns, rows } : PLAIN),
    begin({ resized, interrupted }) {
      if (!tty) {
        process.on("SIGINT", interrupted);
      } else if (near) {
        stdin.setRawMode(true);
        stdout.on("resize", () => resized(here()));
      } else {
        process.on("message", (size) => resized(size as Size));
        process.channel?.unref();
      }
    },
    restore() {
      if (tty && near) stdin.setRawMode(false);
      if (process.connected) process.disconnect();
    },
  };
}
