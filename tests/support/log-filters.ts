import type { AppLogLine } from "../../apps/app-log-files.ts";

/** An option of `teal logs`, and which lines it is to leave. */
export interface Filter {
  option: string;
  value: string;
  keeps(line: AppLogLine): boolean;
}

const sourceOf = ({ from }: AppLogLine) =>
  from === "teal" ? "teal" : from.startsWith("router.") ? "router" : "app";

/** One of each kind, and several of those that may be said in several ways. @param since ms since the epoch */
export function logFilters(since: number): Filter[] {
  const ps = (value: string): Filter => ({
    ...{ option: "ps", value },
    keeps: ({ from }) => from === value || from.startsWith(`${value}.`),
  });
  const source = (value: string): Filter => ({
    ...{ option: "source", value },
    keeps: (line) => sourceOf(line) === value,
  });
  return [
    ...[ps("web.1"), ps("worker"), source("app"), source("router"), source("teal")],
    { option: "since", value: new Date(since).toISOString(), keeps: ({ t }) => t >= since },
    { option: "release", value: "1", keeps: ({ release }) => release === 1 },
    { option: "grep", value: "here", keeps: ({ text }) => text.includes("here") },
  ];
}

/** Every set of one or two of them whose options differ. */
export function onesAndPairs(filters: Filter[]): Filter[][] {
  const pairs = filters.flatMap((one, at) =>
    filters.slice(at + 1).map((other): [Filter, Filter] => [one, other]),
  );
  const apart = pairs.filter(([one, other]) => one.option !== other.option);
  return [...filters.map((one) => [one]), ...apart];
}

/** The same for the API. */
export function queryOf(filters: Filter[]): string {
  const pairs = filters.map(({ option, value }): [string, string] => [option, value]);
  return new URLSearchParams(pairs).toString();
}
