/** Measurements of one thing, as every bench prints them. */
export interface Series {
  /** Sorted, rounded to a tenth. */
  all: number[];
  median: number;
}

export function series(all: number[]): Series {
  const sorted = all.map((ms) => Math.round(ms * 10) / 10).toSorted((a, b) => a - b);
  return { all: sorted, median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN };
}

/** One line of a bench's table: the name, the median, from the least to the most, the aim. */
export function row(name: string, { all, median }: Series, aim = ""): string {
  const range = `${all[0]} – ${all.at(-1)}`;
  return `${name.padEnd(46)}${String(median).padStart(9)}   ${range.padEnd(20)}${aim}`;
}

export const HEADER = `${"".padEnd(46)}   median   range`;
