import { bytesText, shareText } from "../amounts.ts";
import { saturationOf, type Sample, type Traffic } from "../series.ts";
import type { Colour } from "../types.ts";
import type { Input } from "./command.ts";
import { colourCell, duration, type Cell } from "./output.ts";

/** A row of the table, ms. */
const PIECE = 5 * 60_000;

export async function showMetrics({ app: appOf, client, out }: Input): Promise<void> {
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/series`;
  const { samples } = await (await client()).get<{ samples: Sample[] }>(path);
  if (out.json) return out.value(samples);
  if (samples.length === 0) return out.line(`Nothing was seen of ${app} in the last hour.`);
  const pieces = Map.groupBy(samples, ({ at }) => Math.floor(at / PIECE));
  const rows = [...pieces].flatMap(([piece, within]) =>
    (["blue", "green"] as const).flatMap((colour) => rowOf(colour, piece * PIECE, within)),
  );
  const heads = ["FROM", "COLOUR", "REQ/S", "ERRORS", "P50", "P99"];
  out.table([...heads, "CPU", "MEMORY", "SATURATION"], rows);
}

/** None for a colour that did not run. CPU and memory are the highest that was seen, of all its instances together. */
function rowOf(colour: Colour, from: number, samples: Sample[]): Cell[][] {
  const traffic = samples.flatMap((one) => one.colours[colour] ?? []);
  const used = samples.map(({ instances }) =>
    Object.values(instances).filter((one) => one.colour === colour),
  );
  if (traffic.length === 0 && used.flat().length === 0) return [];
  const seconds = sum(samples.map((one) => one.seconds));
  const requests = sum(traffic.map((one) => one.requests));
  const errors = sum(traffic.map((one) => one.errors));
  const full = used.flat().flatMap((one) => saturationOf(one) ?? []);
  return [
    [
      new Date(from).toTimeString().slice(0, 5),
      colourCell(colour),
      (requests / Math.max(1, seconds)).toFixed(1),
      requests > 0 ? shareText(errors / requests) : "-",
      timeOf("p50", traffic),
      timeOf("p99", traffic),
      `${Math.round(100 * Math.max(0, ...used.map((all) => sum(all.map(({ cpu }) => cpu)))))}%`,
      bytesText(Math.max(0, ...used.map((all) => sum(all.map(({ memory }) => memory))))),
      full.length > 0 ? shareText(Math.max(...full)) : "-",
    ],
  ];
}

/** The worst of what was seen. */
function timeOf(name: "p50" | "p99", traffic: Traffic[]): string {
  const times = traffic.flatMap((one) => one[name] ?? []);
  return times.length > 0 ? duration(Math.max(...times)) : "-";
}

function sum(values: number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
