/**
 * @typedef {[requests: number, errors: number, p50: number | null, p95: number | null, p99: number | null]} Traffic
 * @typedef {[cores: number, bytes: number, saturation: number | null]} Use
 * @typedef {[at: number, seconds: number, blue: Traffic | null, green: Traffic | null, blueUse: Use | null, greenUse: Use | null]} Sample
 * @typedef {{ name: string, fill?: boolean, value: (one: Traffic | null, use: Use | null, seconds: number) => number | null }} Line
 */

/** What each chart draws of a colour. @type {Record<string, Line[]>} */
export const LINES = {
  rate: [{ name: "", fill: true, value: (one, _, seconds) => (one ? one[0] / seconds : null) }],
  latency: [
    { name: "p99", value: (one) => one?.[4] ?? null },
    { name: "p95", value: (one) => one?.[3] ?? null },
    { name: "p50", value: (one) => one?.[2] ?? null },
  ],
  errors: [{ name: "", fill: true, value: (one) => (one?.[0] ? (100 * one[1]) / one[0] : null) }],
  cpu: [{ name: "", fill: true, value: (_, use) => (use ? 100 * use[0] : null) }],
  memory: [{ name: "", fill: true, value: (_, use) => (use ? use[1] / 1024 ** 2 : null) }],
  saturation: [
    { name: "", value: (_, use) => (typeof use?.[2] === "number" ? 100 * use[2] : null) },
  ],
};

/** What a chart's scale goes up to at least. @type {Record<string, number>} */
export const LEAST_TOP = { saturation: 100 };

/** What a line says of a colour, 0 blue and 1 green. @param {Line} line @param {Sample} sample @param {number} colour */
export function valueOf({ value }, sample, colour) {
  return colour === 0
    ? value(sample[2], sample[4], sample[1])
    : value(sample[3], sample[5], sample[1]);
}
