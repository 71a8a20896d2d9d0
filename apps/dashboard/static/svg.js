const SPACE = "http://www.w3.org/2000/svg";

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
export function svg(name, attributes, text) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * A line through the points, broken where there is no value; closed at `ground` for an area.
 * @param {{ x: number, value: number | null }[]} points
 * @param {(value: number) => number} y
 * @param {number} [ground]
 */
export function path(points, y, ground) {
  /** @type {{ x: number, value: number }[][]} */
  const runs = [[]];
  for (const { x, value } of points) {
    if (value === null) runs.push([]);
    else runs.at(-1)?.push({ x, value });
  }
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const through = run.map(({ x, value }) => `${x.toFixed(1)} ${y(value).toFixed(1)}`).join("L");
      if (ground !== undefined) return `M${run[0]?.x.toFixed(1)} ${ground}L${through}V${ground}Z`;
      // A point alone is a dot.
      return run.length === 1 ? `M${through}h1` : `M${through}`;
    })
    .join("");
}

/**
 * A scale from 0 to a round number at or above `top`.
 * @param {number} top @param {number} above px of the top @param {number} below px of 0
 */
export function scaleFor(top, above, below) {
  const power = 10 ** Math.floor(Math.log10(top || 1));
  const high = ([1, 2, 5, 10].find((one) => one * power >= (top || 1)) ?? 10) * power;
  /** @param {number} value */
  const y = (value) => below - (value / high) * (below - above);
  const ticks = [0, high / 2, high].map((value) => ({
    y: y(value),
    text: value.toLocaleString("en", { maximumFractionDigits: 2, notation: "compact" }),
  }));
  return { y, ticks };
}

/** Every ten or twenty minutes, as the reader's clock has it. @param {number} from @param {number} to @param {number} width px */
export function timeTicks(from, to, width) {
  const step = width > 420 ? 600_000 : 1_200_000;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at < to - 120_000; at += step) {
    if (at < from + 60_000) continue;
    ticks.push({ at, text: new Date(at).toLocaleTimeString("en-GB", { timeStyle: "short" }) });
  }
  return ticks;
}
