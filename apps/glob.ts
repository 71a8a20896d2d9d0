/**
 * Patterns of paths. They come from apps and their people, so a match takes time in proportion to
 * the lengths of pattern and path, which a regular expression made of one does not.
 */

/**
 * `*` and `?` within a folder, `**` across folders. `docker`, as .dockerignore has it: `[a-z]` and
 * `\` too, and `**` stands for whole folders wherever it does not end the pattern.
 */
export type Dialect = "plain" | "docker";

/** True for a path that the pattern matches, and for all that lies in such a folder. */
export type Glob = (path: string) => boolean;

/** What stands at one place of a pattern. */
type Piece =
  | { kind: "one"; takes(char: string): boolean }
  /** Any characters, or none. */
  | { kind: "any"; across: boolean }
  /** The two of them together: any folders, or none. */
  | { kind: "perhaps" }
  | { kind: "folders" };

/** @throws Error for a bracket that is not closed, and for an empty one */
export function createGlob(pattern: string, dialect: Dialect): Glob {
  const pieces = piecesOf(Array.from(pattern), dialect);
  const end = pieces.length;
  // Where the pattern may have got to, each place once: `marks` says for which character it was added.
  let [places, next] = [new Int32Array(end + 1), new Int32Array(end + 1)];
  const marks = new Int32Array(end + 1);

  /** Adds a place, and those behind it that take no character to get to. Gives the new count. */
  function add(list: Int32Array, count: number, place: number, mark: number): number {
    if (marks[place] === mark) return count;
    marks[place] = mark;
    list[count] = place;
    const kind = pieces[place]?.kind;
    const after = count + 1;
    if (kind === "any") return add(list, after, place + 1, mark);
    if (kind !== "perhaps") return after;
    return add(list, add(list, after, place + 1, mark), place + 2, mark);
  }

  /** The places behind `place` once it has taken `char`. */
  function take(list: Int32Array, count: number, place: number, char: string, mark: number) {
    const piece = pieces[place];
    if (piece?.kind === "one") return piece.takes(char) ? add(list, count, place + 1, mark) : count;
    if (piece?.kind === "any")
      return piece.across || char !== "/" ? add(list, count, place, mark) : count;
    if (piece?.kind !== "folders") return count;
    const inside = add(list, count, place, mark);
    return char === "/" ? add(list, inside, place + 1, mark) : inside;
  }

  return (path) => {
    marks.fill(0);
    let mark = 1;
    let count = add(places, 0, 0, mark);
    for (const char of path) {
      if (char === "/" && marks[end] === mark) return true;
      mark += 1;
      let taken = 0;
      for (let i = 0; i < count; i++) taken = take(next, taken, places[i] as number, char, mark);
      if (taken === 0) return false;
      [places, next] = [next, places];
      count = taken;
    }
    return marks[end] === mark;
  };
}

const FOLDERS: Piece[] = [{ kind: "perhaps" }, { kind: "folders" }];

function piecesOf(chars: string[], dialect: Dialect): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === "*" && chars[at + 1] === "*") {
      at += 1;
      const slash = chars[at + 1] === "/";
      if (slash) at += 1;
      const whole = at + 1 < chars.length && (slash || dialect === "docker");
      if (whole || (slash && dialect === "plain")) pieces.push(...FOLDERS);
      else pieces.push({ kind: "any", across: true });
    } else if (char === "*") pieces.push({ kind: "any", across: false });
    else if (char === "?") pieces.push({ kind: "one", takes: (one) => one !== "/" });
    else if (char === "[" && dialect === "docker") {
      const { takes, last } = bracketAt(chars, at);
      pieces.push({ kind: "one", takes });
      at = last;
    } else {
      if (char === "\\" && dialect === "docker" && at + 1 < chars.length) at += 1;
      const wanted = chars[at] as string;
      pieces.push({ kind: "one", takes: (one) => one === wanted });
    }
  }
  return pieces;
}

/** `[abc]`, `[a-z]`, `[^a]`; `\` before what is meant as it stands. */
function bracketAt(chars: string[], from: number) {
  const negated = chars[from + 1] === "^";
  const ranges: [first: string, last: string][] = [];
  let at = from + (negated ? 2 : 1);
  const read = (): string => {
    if (chars[at] === "\\") at += 1;
    const char = chars[at];
    if (char === undefined) throw new Error("a bracket is not closed");
    at += 1;
    return char;
  };
  while (chars[at] !== "]") {
    const first = read();
    const isRange = chars[at] === "-" && chars[at + 1] !== "]";
    if (isRange) at += 1;
    ranges.push([first, isRange ? read() : first]);
  }
  if (ranges.length === 0) throw new Error("a bracket is empty");
  const takes = (one: string) =>
    one !== "/" && ranges.some(([first, last]) => first <= one && one <= last) !== negated;
  return { takes, last: at };
}
