import type { Colour } from "../types.ts";
import { html, type Html } from "./html.ts";

const WIDTH = 120;
const HEIGHT = 30;

/** Requests per second over the last hour, each colour in its own: a swap is where one gives way to the other. */
export function sparkline(rates: Record<Colour, number[]>, says: string): Html {
  const top = Math.max(...rates.blue, ...rates.green);
  const frame = (content: Html[]) =>
    html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${says}">
      ${content}
    </svg>`;
  const ground = html`<path class="ground" d="M0 ${HEIGHT - 0.5}H${WIDTH}" />`;
  if (top === 0) return frame([ground]);
  const bars = (["blue", "green"] as const).map((colour) => {
    const values = rates[colour];
    const step = WIDTH / values.length;
    const d = values.flatMap((value, i) => {
      if (value === 0) return [];
      const high = Math.max(1.5, (value / top) * (HEIGHT - 2));
      return `M${tenth(i * step + step / 2)} ${HEIGHT}V${tenth(HEIGHT - high)}`;
    });
    return d.length > 0 ? html`<path class="${colour}" d="${d.join("")}" />` : html``;
  });
  return frame([ground, ...bars]);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
