import { LEAST_TOP, LINES, valueOf } from "./chart-lines.js";
import { element } from "./dom.js";
import { path, scaleFor, svg, timeTicks } from "./svg.js";

/**
 * @typedef {import("./chart-lines.js").Sample} Sample
 * @typedef {import("./chart-lines.js").Line} Line
 * @typedef {{ at: number, colour: "blue" | "green", release: number }} Mark
 */

const HOUR = 3600_000;
const HEIGHT = 132;
const PLOT = { left: 40, top: 14, bottom: 20 };
const COLOURS = /** @type {const} */ (["blue", "green"]);

/** Draws the last hour, and again with every sample. @param {import("./live.js").Stream} stream */
export function drawCharts(stream) {
  const section = element("[data-charts]", HTMLElement);
  if (!section) return;
  /** @type {Sample[]} */
  let samples = [];
  /** @type {Mark[]} */
  let marks = [];
  /** The sample that is read off. @type {Sample | null} */
  let reading = null;
  let until = Date.now();

  const draw = () => {
    for (const figure of section.querySelectorAll("figure")) {
      drawOne(figure, { samples, marks, until, reading });
    }
  };
  stream.on("series", (news) => {
    until = Date.now();
    const known = samples.at(-1)?.[0] ?? 0;
    const fresh = /** @type {Sample[]} */ (news.samples).filter(([at]) => at > known);
    samples = [...samples, ...fresh].filter(([at]) => at > until - HOUR);
    section.hidden = samples.length === 0;
    marks = /** @type {Mark[]} */ (news.marks).filter(({ at }) => at > until - HOUR);
    draw();
  });
  new ResizeObserver(draw).observe(section);

  /** @param {number} at */
  const read = (at) => {
    reading = samples.reduce(
      (best, one) => (!best || Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best),
      /** @type {Sample | null} */ (null),
    );
    draw();
  };
  section.addEventListener("pointermove", (event) => {
    const plot = event.target instanceof Element && event.target.closest("svg");
    if (!plot) return;
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left - PLOT.left) / (box.width - PLOT.left);
    read(until - HOUR + share * HOUR);
  });
  section.addEventListener("pointerleave", () => {
    reading = null;
    draw();
  });
  section.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || samples.length === 0) return;
    event.preventDefault();
    const here = reading ? samples.indexOf(reading) : samples.length - 1 - step;
    const next = samples[Math.min(samples.length - 1, Math.max(0, here + step))];
    if (next) read(next[0]);
    const said = document.querySelector("#said");
    const figure = event.target instanceof Element && event.target.closest("figure");
    if (said && figure) said.textContent = figure.querySelector(".reading")?.textContent ?? "";
  });
}

/**
 * @param {HTMLElement} figure
 * @param {{ samples: Sample[], marks: Mark[], until: number, reading: Sample | null }} seen
 */
function drawOne(figure, { samples, marks, until, reading }) {
  const kind = figure.dataset["chart"] ?? "";
  const lines = LINES[kind] ?? [];
  const plot = figure.querySelector("svg");
  if (!plot) return;
  const width = Math.max(200, plot.clientWidth);
  /** @param {number} at */
  const x = (at) => PLOT.left + ((at - until + HOUR) / HOUR) * (width - PLOT.left);
  const all = COLOURS.flatMap((colour, i) =>
    lines.map((line) => ({
      colour,
      line,
      points: samples.map((one) => ({ x: x(one[0]), value: valueOf(line, one, i) })),
    })),
  );
  const top = Math.max(
    ...all.flatMap(({ points }) => points.map(({ value }) => value ?? 0)),
    LEAST_TOP[kind] ?? 0,
  );
  const scale = scaleFor(top, PLOT.top, HEIGHT - PLOT.bottom);
  const parts = [
    ...scale.ticks.flatMap(({ y, text }) => [
      svg("path", { class: "grid", d: `M${PLOT.left} ${y}H${width}` }),
      svg("text", { class: "tick", x: PLOT.left - 6, y: y + 4, "text-anchor": "end" }, text),
    ]),
    ...timeTicks(until - HOUR, until, width).map(({ at, text }) =>
      svg("text", { class: "tick", x: x(at), y: HEIGHT - 4, "text-anchor": "middle" }, text),
    ),
    ...all.flatMap(({ colour, line, points }) => [
      ...(line.fill
        ? [svg("path", { class: `area ${colour}`, d: path(points, scale.y, scale.y(0)) })]
        : []),
      svg("path", { class: `line ${colour} ${line.name}`, d: path(points, scale.y) }),
    ]),
    ...marks.flatMap((mark, i) =>
      drawMark(mark, x(mark.at), x(marks[i + 1]?.at ?? Infinity), width),
    ),
    ...(reading
      ? [
          svg("path", {
            class: "reader",
            d: `M${x(reading[0])} ${PLOT.top}V${HEIGHT - PLOT.bottom}`,
          }),
        ]
      : []),
  ];
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.setAttribute("tabindex", "0");
  plot.setAttribute("aria-label", summary(figure, all, marks));
  plot.replaceChildren(...parts);
  const text = figure.querySelector(".reading");
  if (text) text.textContent = reading ? readOff(lines, reading) : "";
}

/** A swap; named unless the next one is so near that its name would lie on this. @param {Mark} mark @param {number} x @param {number} next @param {number} width */
function drawMark({ colour, release }, x, next, width) {
  const line = `M${x} ${PLOT.top - 2}V${HEIGHT - PLOT.bottom}`;
  const anchor = x > width - 16 ? "end" : "middle";
  const text = { class: `mark ${colour}`, x, y: 10, "text-anchor": anchor };
  return [
    svg("path", { class: `mark ${colour}`, d: line }),
    ...(next - x < 26 ? [] : [svg("text", text, `v${release}`)]),
  ];
}

/** @param {Line[]} lines @param {Sample} sample */
function readOff(lines, sample) {
  const time = new Date(sample[0]).toLocaleTimeString("en-GB", { timeStyle: "medium" });
  const values = COLOURS.flatMap((colour, i) =>
    lines.toReversed().flatMap((line) => {
      const is = valueOf(line, sample, i);
      return is === null ? [] : [`${`${colour} ${line.name}`.trim()} ${round(is)}`];
    }),
  );
  return `${time}: ${values.join(", ") || "nothing"}`;
}

/**
 * @param {HTMLElement} figure
 * @param {{ colour: string, line: Line, points: { value: number | null }[] }[]} all
 * @param {Mark[]} marks
 */
function summary(figure, all, marks) {
  const name = figure.querySelector("b")?.textContent;
  const unit = figure.querySelector("small")?.textContent;
  const said = all.flatMap(({ colour, line, points }) => {
    const values = points.flatMap(({ value }) => value ?? []);
    const highest = Math.max(0, ...values);
    const [who, last] = [`${colour} ${line.name}`.trim(), points.at(-1)?.value ?? null];
    const now = last === null ? "" : `now ${round(last)}, `;
    return highest > 0 ? [`${who} ${now}highest ${round(highest)}`] : [];
  });
  return `${name}, ${unit}, over the last hour: ${said.join("; ") || "nothing yet"}; ${marks.length} swaps`;
}

/** @param {number} value */
function round(value) {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}
