const LINE_LIMIT = 2000;

// Operating system commands (links, titles) end with BEL or ESC \; the rest are CSI and two-character sequences.
const ESCAPES =
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u001b\u009b]\[?[0-?]*[ -/]*[@-~]|\u001b./g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Foreign output as lines that are safe to print: no escapes, no control characters, no marks that turn the direction of writing, none endless, none empty. */
export function printableLines(text: string): string[] {
  return text
    .replaceAll(ESCAPES, "")
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(CONTROLS, "").trimEnd())
    .filter((line) => line !== "")
    .map((line) => (line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line));
}
