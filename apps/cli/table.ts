/** One cell: its text, and how what is shown of it is painted. */
interface ShownCell {
  text: string;
  painted(text: string): string;
}

interface Layout {
  /** The column that is cut where the terminal is too narrow. */
  flexible: number;
  /** How wide the terminal is; undefined: it is none, and nothing is cut. */
  columns: number | undefined;
  grey(text: string): string;
}

/** Narrower than this the flexible column would say nothing. */
const LEAST = 8;

/** The lines of a table, none wider than the terminal; each row a list of its own where that is too narrow. */
export function layOut(heads: string[], rows: ShownCell[][], layout: Layout): string[] {
  const { flexible, columns = Infinity, grey } = layout;
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...rows.map((row) => row[i]?.text.length ?? 0)),
  );
  const excess = widths.reduce((sum, width) => sum + width, 2 * (heads.length - 1)) - columns;
  if (excess > 0) {
    const left = (widths[flexible] ?? 0) - excess;
    if (left < LEAST) return asLists(heads, rows, layout);
    widths[flexible] = left;
  }
  const fit = (text: string, i: number) => {
    const width = widths[i] ?? 0;
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    return i === heads.length - 1 ? cut : cut.padEnd(width);
  };
  const body = rows.map((row) => row.map((cell, i) => cell.painted(fit(cell.text, i))).join("  "));
  return [grey(heads.map(fit).join("  ")), ...body].map((line) => line.trimEnd());
}

/** Each row as lines of a head and its value, which goes on below itself; an empty line in between. */
function asLists(heads: string[], rows: ShownCell[][], { columns = 80, grey }: Layout): string[] {
  const width = Math.min(Math.max(...heads.map((head) => head.length)), Math.floor(columns / 2));
  const room = Math.max(1, columns - width - 2);
  return rows.flatMap((row, at) => {
    const lines = row.flatMap((cell, i) => {
      const head = (heads[i] ?? "").slice(0, width).padEnd(width);
      return partsOf(cell.text, room).map((part, n) =>
        `${grey(n === 0 ? head : " ".repeat(width))}  ${cell.painted(part)}`.trimEnd(),
      );
    });
    return at === 0 ? lines : ["", ...lines];
  });
}

/** A text in parts of `room` characters at most. */
function partsOf(text: string, room: number): string[] {
  const count = Math.max(1, Math.ceil(text.length / room));
  return Array.from({ length: count }, (_, i) => text.slice(i * room, (i + 1) * room));
}
