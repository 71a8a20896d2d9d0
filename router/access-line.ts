/** One answered request. */
export interface Answered {
  colour: string;
  release: number;
  /** x-request-id; "" when the app saw nothing of it. */
  id: string;
  method: string;
  path: string;
  status: number;
  /** From the request's head to the answer's end. */
  ms: number;
  /** Of the answer's body. */
  bytes: number;
  /** Who answered; "" for the router itself. */
  instance: string;
}

const MAX_PATH = 2048;
/** Bytes that a line has at most. */
export const MAX_LINE = MAX_PATH * 4 + 1024;

/** The query is left out: it is where people put what nobody else should read. */
export function lineOf(answered: Answered, index: string): string {
  const { colour, release, id, method, status, ms, bytes, instance } = answered;
  const path = shownPath(answered.path);
  return (
    `{"t":${Date.now()},"from":"router.${index}","colour":"${colour}","release":${release},` +
    `"text":"${method} ${path} ${status} ${Math.round(ms)}ms","id":"${escaped(id)}","method":"${method}",` +
    `"path":"${path}","status":${status},"ms":${Math.round(ms * 10) / 10},"bytes":${bytes},` +
    `"instance":"${instance}"}\n`
  );
}

function shownPath(target: string): string {
  const query = target.indexOf("?");
  return escaped(target.slice(0, query === -1 ? MAX_PATH : Math.min(query, MAX_PATH)));
}

/** Paths and ids are visible ASCII, of which JSON has to escape two characters. */
function escaped(text: string): string {
  return text.includes('"') || text.includes("\\") ? text.replaceAll(/["\\]/g, "\\$&") : text;
}

/** In place of `lines` lines that were left out. */
export function outLine(lines: number, index: string): string {
  const text = `${lines} lines left out: the disk did not take them`;
  return `${JSON.stringify({ t: Date.now(), from: `router.${index}`, text })}\n`;
}
