import { createReadStream } from "node:fs";
import { wrongUsage } from "./parse.ts";

/**
 * A file's text, or standard input's for `-`; cut after `limit` bytes or a little more. Over SSH the
 * files here are the platform's, not the caller's, and none is opened.
 * @param what for the errors: "a public key" @throws TealError wrong-usage
 */
export async function readGiven(
  file: string,
  { limit, what, command }: { limit: number; what: string; command: string },
): Promise<string> {
  if (file !== "-" && process.env["TEAL_OVER_SSH"]) {
    throw wrongUsage(`Over SSH, - was expected as FILE, and ${what} on standard input`, {
      name: command,
    });
  }
  const source = file === "-" ? process.stdin : createReadStream(file, { end: limit });
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source) {
      chunks.push(Buffer.from(chunk as Buffer));
      bytes += chunk.length;
      if (bytes > limit) break;
    }
  } catch (error) {
    throw wrongUsage(`A file with ${what} was expected: ${(error as Error).message}`, {
      name: command,
    });
  }
  return Buffer.concat(chunks).toString("utf8");
}
