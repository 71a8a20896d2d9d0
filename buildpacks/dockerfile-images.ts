/** A variable of an ARG line, with the default that a name in braces may have. */
const VARIABLE = /\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})/g;
const FLAGS = /^(?:--\S+\s+)*/;

/**
 * The images that a Dockerfile is made from, in its FROM lines, `COPY --from` and mounts: those that
 * are no stage of its own, each once, with the ARGs in front of the first FROM filled in.
 * @param args build arguments, which come before the defaults in the file
 */
export function imagesOf(text: string, args: Record<string, string> = {}): string[] {
  const values = new Map<string, string>();
  const stages = new Set(["scratch"]);
  const found = new Set<string>();
  let begun = false;
  const add = (name: string): void => {
    const image = fill(name, values);
    const isStage = stages.has(image.toLowerCase()) || /^\d+$/.test(image);
    if (image !== "" && !isStage) found.add(image);
  };
  for (const line of linesOf(text)) {
    const [, word = "", rest = ""] = /^\s*([a-z]+)\s+(\S.*)?$/is.exec(line) ?? [];
    const instruction = word.toUpperCase();
    if (instruction === "ARG" && !begun) readArgs(rest, args, values);
    if (instruction === "FROM") {
      begun = true;
      const [image = "", as, name] = rest.replace(FLAGS, "").split(/\s+/);
      add(image);
      if (as?.toUpperCase() === "AS" && name) stages.add(name.toLowerCase());
    }
    if (instruction !== "COPY" && instruction !== "RUN") continue;
    const flags = FLAGS.exec(rest)?.[0] ?? "";
    for (const [, image = ""] of flags.matchAll(/(?:--|,)from=([^\s,]+)/g)) add(image);
  }
  return [...found];
}

/** Instructions, each in one line, without comments. */
function linesOf(text: string): string[] {
  const plain = text.split(/\r?\n/).filter((line) => !/^\s*#/.test(line));
  const escape = /^[ \t]*#[ \t]*escape[ \t]*=[ \t]*`/im.test(text) ? /`[ \t]*\n/g : /\\[ \t]*\n/g;
  return plain.join("\n").replaceAll(escape, " ").split("\n");
}

function readArgs(rest: string, args: Record<string, string>, values: Map<string, string>): void {
  for (const [, name = "", given = ""] of rest.matchAll(/(\w+)(?:=("[^"]*"|'[^']*'|\S*))?/g)) {
    const value = Object.hasOwn(args, name) ? (args[name] ?? "") : given.replaceAll(/["']/g, "");
    values.set(name, fill(value, values));
  }
}

/** No name of an image is longer. Arguments made of arguments could grow without end. */
const LONGEST = 2000;

function fill(text: string, values: Map<string, string>): string {
  const filled = text.slice(0, LONGEST).replaceAll(VARIABLE, (_all, bare, braced, other) => {
    const value = values.get(bare ?? braced) ?? "";
    return value === "" ? (other ?? "") : value;
  });
  return filled.slice(0, LONGEST);
}
