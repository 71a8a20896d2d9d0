import { stripVTControlCharacters } from "node:util";

/** What stands for a secret value wherever it would be shown. */
const MASK = "********";
/** Shorter ones are no secrets, and would blot out half of what is said. */
const SHORTEST = 4;
/** Per app; the oldest go. */
const MOST = 5000;

export interface Concealer {
  /** From now on these are masked in what is said of the app; of a value of several lines each line is. */
  learn(app: string, values: string[]): void;
  conceal(app: string, text: string): string;
}

/** The longest first: one value may be part of another. */
function mask(pieces: string[], text: string): string {
  return pieces
    .filter((piece) => text.includes(piece))
    .toSorted((a, b) => b.length - a.length)
    .reduce((shown, piece) => shown.replaceAll(piece, MASK), text);
}

/** Knows the config values that this process has given to containers, and masks them. */
export function createConcealer(): Concealer {
  const known = new Map<string, Set<string>>();
  return {
    learn(app, values) {
      const pieces = known.get(app) ?? new Set();
      known.set(app, pieces);
      for (const piece of values.flatMap((value) => value.split(/\r?\n/)).map((it) => it.trim())) {
        if (piece.length < SHORTEST) continue;
        // Last in, whenever it came first.
        pieces.delete(piece);
        pieces.add(piece);
      }
      for (const piece of pieces) {
        if (pieces.size <= MOST) break;
        pieces.delete(piece);
      }
    },
    conceal(app, text) {
      const pieces = [...(known.get(app) ?? [])];
      const shown = mask(pieces, text);
      // A colour that begins within a value splits it for the search, and for no reader.
      const plain = stripVTControlCharacters(shown);
      return pieces.some((piece) => plain.includes(piece)) ? mask(pieces, plain) : shown;
    },
  };
}
