import { stripVTControlCharacters } from "node:util";
import { layOut } from "./table.ts";

type Paint = "blue" | "green" | "red" | "yellow" | "grey" | "bold";

const SGR: Record<Paint, number> = { blue: 34, green: 32, red: 31, yellow: 33, grey: 90, bold: 1 };

/** One cell of a table: text, and how it is painted where there are colours. */
export type Cell = string | { text: string; paint: Paint };

export interface Output {
  json: boolean;
  line(text?: string): void;
  /** To standard error. */
  note(text: string): void;
  /** The two sentences of an error, to standard error. */
  fail(says: string, todo: string): void;
  value(value: unknown): void;
  paint(text: string, paint: Paint): string;
  /** `flexible`: the column that is cut where the terminal is too narrow. Much too narrow: a list for each row. */
  table(heads: string[], rows: Cell[][], flexible?: number): void;
  /** One thing's properties, a line each. */
  facts(rows: [string, Cell][]): void;
  /** What an app or a person wrote, safe for a terminal: colours at most. */
  foreign(text: string): string;
}

interface Stream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/**
 * @param env NO_COLOR and TERM=dumb turn colours off; so does standard output that is no terminal.
 *   TEAL_COLUMNS: over SSH the terminal is at the other end, and so wide.
 */
export function createOutput(
  json: boolean,
  env: NodeJS.ProcessEnv,
  stdout: Stream = atTheOtherEnd(process.stdout, env),
  stderr: Stream = atTheOtherEnd(process.stderr, env),
): Output {
  const wanted = !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const colours = wanted && Boolean(stdout.isTTY);
  const painted = (text: string, how: Paint) => `\u001b[${SGR[how]}m${text}\u001b[0m`;
  const paint = (text: string, how: Paint) => (colours ? painted(text, how) : text);
  const line = (text = "") => void stdout.write(`${text}\n`);
  return {
    json,
    line,
    note: (text) => void stderr.write(`${text}\n`),
    fail(says, todo) {
      const head = wanted && stderr.isTTY ? painted("error:", "red") : "error:";
      stderr.write(`${head} ${withoutControls(says, false)}\n${withoutControls(todo, false)}\n`);
    },
    value: (value) => line(JSON.stringify(value, null, 2).replaceAll(UNESCAPED, unicodeEscape)),
    paint,
    table(heads, rows, flexible = heads.length - 1) {
      const columns = stdout.isTTY ? stdout.columns : undefined;
      const shown = rows.map((row) =>
        row.map((cell) => ({
          text: onOneLine(textOf(cell)),
          painted: (text: string) => (typeof cell === "string" ? text : paint(text, cell.paint)),
        })),
      );
      const grey = (text: string) => paint(text, "grey");
      for (const one of layOut(heads, shown, { flexible, columns, grey })) line(one);
    },
    facts(rows) {
      const width = Math.max(...rows.map(([name]) => name.length));
      for (const [name, cell] of rows) {
        const text = onOneLine(textOf(cell));
        const value = typeof cell === "string" ? text : paint(text, cell.paint);
        line(`${paint(name.padEnd(width), "grey")}  ${value}`);
      }
    },
    foreign: (text) => withoutControls(text, colours),
  };
}

function atTheOtherEnd(stream: Stream, { TEAL_COLUMNS: columns }: NodeJS.ProcessEnv): Stream {
  if (!columns) return stream;
  return { write: (text) => stream.write(text), isTTY: true, columns: Number(columns) };
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

const COLOUR_SEQUENCE = /(\u001b\[[\d;]{0,20}m)/;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// oxlint-enable no-control-regex

/** A cell is part of one line, whatever was written into it. */
function onOneLine(text: string): string {
  return withoutControls(text, false).replaceAll(/[\t\n\u2028\u2029]+/g, " ");
}

/** What commands terminals and JSON lets stand as it is. */
const UNESCAPED = /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function withoutControls(text: string, keepColours: boolean): string {
  if (!keepColours) return stripVTControlCharacters(text).replaceAll(CONTROL, "");
  const parts = text.split(COLOUR_SEQUENCE);
  if (parts.length === 1) return text.replaceAll(CONTROL, "");
  return `${parts.map((part, i) => (i % 2 ? part : part.replaceAll(CONTROL, ""))).join("")}\u001b[0m`;
}

/** A colour slot's word in its own colour. */
export function colourCell(colour: "blue" | "green" | null): Cell {
  return colour ? { text: colour, paint: colour } : "-";
}

/** "just now", "5 min ago", "3 h ago", "2 d ago". */
export function ago(at: number, now = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** "38 ms", "4.2 s", "3 min 5 s". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
