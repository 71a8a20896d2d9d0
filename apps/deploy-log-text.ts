/** Longest line kept, in UTF-16 units. */
const MAX_LENGTH = 4000;
/** Beyond this a line is not even looked at: escapes can make a short line long. */
const MAX_RAW = 64_000;

const RESET = "\u001B[0m";
/** Weight, slant, underline, inverse and colours; what hides text or blinks is none of them. */
const STYLE = String.raw`(?:0?[0-47]|2[2-47]|[34][0-79]|9[0-7]|10[0-7]|[34]8;5;\d{1,3}|[34]8;2(?:;\d{1,3}){3})`;
const COLOUR = new RegExp(String.raw`^\u001B\[(?:${STYLE}(?:;${STYLE})*)?m$`);

/**
 * One pass, so that nothing removed makes a new escape of its neighbours. In turn: commands (CSI),
 * strings such as titles and links (OSC, DCS, SOS, PM, APC), other escapes, control characters but tab,
 * and the marks that turn the direction of writing.
 */
const ESCAPES =
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[\]PX^_]|[\u0090\u0098\u009D-\u009F])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?|\u001B[ -/]*[0-~]|[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/**
 * A text as lines that are safe to print: of terminal escapes only plain colours are left (ended
 * within their line), no control characters, none longer than MAX_LENGTH.
 */
export function clean(text: string): string[] {
  const lines = text.split("\n");
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  return lines.map((line) => cleanLine(line));
}

function cleanLine(raw: string): string {
  const plain = raw
    .slice(0, MAX_RAW)
    .replace(ESCAPES, (escape) => (COLOUR.test(escape) ? escape : ""));
  const text = plain.length > MAX_LENGTH || raw.length > MAX_RAW ? cut(plain) : plain;
  const last = text.lastIndexOf("\u001B");
  return last === -1 || /^\u001B\[0*m/.test(text.slice(last)) ? text : text + RESET;
}

/** Cut where neither a colour nor a character is halved. */
function cut(text: string): string {
  const head = text.slice(0, MAX_LENGTH - RESET.length - 1);
  return `${head.replace(/[\uD800-\uDBFF]$|\u001B[^m]*$/, "")}…`;
}
