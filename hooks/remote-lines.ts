import { clean } from "../apps/deploy-log-text.ts";
import type { LogKind } from "../apps/deploy-log.ts";

const MARKS: Record<LogKind, string> = {
  step: "-----> ",
  info: "       ",
  output: "       ",
  warn: " !     ",
  error: " !     ",
};
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;]*m/g;

/**
 * The lines that git shows after `remote: `, in the look that pushes have on Heroku. Plain text:
 * what is printed beside other people's terminals commands none of them.
 */
export function remoteLines(kind: LogKind, text: string): string[] {
  return clean(text).map((line) => `${MARKS[kind]}${line.replaceAll(COLOURS, "")}`.trimEnd());
}
