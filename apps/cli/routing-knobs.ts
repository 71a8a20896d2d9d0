import type { Routing } from "../routing.ts";
import { wrongUsage } from "./parse.ts";

type Kind = "switch" | "text" | "bytes" | "ms" | "seconds";

export interface Knob {
  name: string;
  field: keyof Routing;
  kind: Kind;
  /** What holds when nobody has set it. */
  otherwise: string;
}

/** What `routing:set` knows; the API has the same in bytes, milliseconds and seconds. */
export const KNOBS: Knob[] = [
  { name: "https-redirect", field: "httpsRedirect", kind: "switch", otherwise: "off" },
  { name: "canonical-host", field: "canonicalHost", kind: "text", otherwise: "none" },
  { name: "max-body", field: "maxBodyBytes", kind: "bytes", otherwise: "no limit" },
  { name: "headers-timeout", field: "headersMs", kind: "ms", otherwise: "no limit" },
  { name: "response-timeout", field: "responseMs", kind: "ms", otherwise: "no limit" },
  { name: "sticky", field: "sticky", kind: "switch", otherwise: "off" },
  { name: "hsts", field: "hstsSeconds", kind: "seconds", otherwise: "off" },
  { name: "access-log", field: "accessLog", kind: "switch", otherwise: "on" },
  { name: "asset-fallback", field: "assetFallback", kind: "switch", otherwise: "on" },
  { name: "hold-time", field: "holdMs", kind: "ms", otherwise: "2 s" },
];

const EXPECTED: Record<Kind, string> = {
  switch: "on or off",
  text: "a host of the app",
  bytes: "a size such as 512kb or 10mb",
  ms: "a time such as 500ms, 30s or 5m",
  seconds: "a time such as 1h or 365d",
};

const BYTES: Record<string, number> = { "": 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws TealError wrong-usage */
export function knobNamed(name: string, command: string): Knob {
  const knob = KNOBS.find((one) => one.name === name);
  if (knob) return knob;
  const known = KNOBS.map((one) => one.name).join(", ");
  throw wrongUsage(`One of ${known} was expected, and '${name.slice(0, 60)}' came`, {
    name: command,
  });
}

/** @throws TealError wrong-usage */
export function readKnob({ name, kind }: Knob, text: string): string | number | boolean {
  const value = read(kind, text.trim().toLowerCase());
  if (value !== null) return value;
  throw wrongUsage(`${EXPECTED[kind]} was expected for ${name}, and '${text.slice(0, 60)}' came`, {
    name: "routing:set",
  });
}

function read(kind: Kind, text: string): string | number | boolean | null {
  if (kind === "text") return text === "" ? null : text;
  if (kind === "switch") return text === "on" ? true : text === "off" ? false : null;
  const [, digits, unit = ""] = /^(\d{1,15})([a-z]*)$/.exec(text) ?? [];
  const factor = (kind === "bytes" ? BYTES : MS)[unit];
  if (digits === undefined || factor === undefined) return null;
  const value = Number(digits) * factor;
  return kind === "seconds" ? Math.floor(value / 1000) : value;
}

export function showKnob({ kind, otherwise }: Knob, value: Routing[keyof Routing]): string {
  if (value === undefined) return `${otherwise} (default)`;
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  if (kind === "seconds") return `${value}s`;
  const units = Object.entries(kind === "bytes" ? BYTES : MS).toReversed();
  const [unit, factor] = units.find(([, each]) => value > 0 && value % each === 0) ?? ["", 1];
  return `${value / factor}${unit}`;
}
