import { StringDecoder } from "node:string_decoder";
import { createFrames } from "./frames.ts";

/** Of a line that does not end, its last characters are kept. */
const LONGEST = 4000;

/** Lines of both outputs of a stream of the engine, each for itself, until it ends. */
export async function readLines(
  stream: NodeJS.ReadableStream,
  onLine: (line: string) => unknown,
): Promise<void> {
  const outputs = { 1: createLines(onLine), 2: createLines(onLine) };
  stream.on(
    "data",
    createFrames((output, payload) => outputs[output === 2 ? 2 : 1].take(payload)),
  );
  await new Promise<void>((resolve) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
    stream.once("error", () => resolve());
  });
  outputs[1].end();
  outputs[2].end();
}

function createLines(onLine: (line: string) => unknown) {
  // A character may be cut in two by the frames.
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    take(payload: Buffer): void {
      const lines = (rest + decoder.write(payload)).split("\n");
      rest = (lines.pop() ?? "").slice(-LONGEST);
      for (const line of lines) onLine(line);
    },
    end(): void {
      const last = rest + decoder.end();
      if (last) onLine(last);
    },
  };
}
