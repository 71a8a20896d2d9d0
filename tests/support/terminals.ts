import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import type { Platform } from "./platform.ts";
import { CLI } from "./run-cli.ts";

const run = promisify(execFile);

/** The command line at a terminal of 101 × 31. */
export function atTerminal(platform: Platform, words: string, command: string) {
  const options = { env: envOf(platform) };
  return run("script", typedAt(lineOf(`${words} '${command}'`)), options).catch((error) => error);
}

/** The same, to be typed into; first it says which terminal it is at. */
export function startAtTerminal(platform: Platform, words: string): ChildProcessWithoutNullStreams {
  return spawn("script", typedAt(`tty; exec ${lineOf(words)}`), { env: envOf(platform) });
}

const lineOf = (words: string) => `${process.execPath} ${CLI} ${words}`;
const typedAt = (line: string) => ["-qec", `stty cols 101 rows 31; ${line}`, "/dev/null"];
const envOf = (platform: Platform) => ({
  ...{ PATH: process.env["PATH"] ?? "", HOME: platform.home, TERM: "xterm" },
  ...{ TEAL_URL: platform.apiUrl, TEAL_TOKEN: platform.adminToken() },
});

/** One command with a terminal of 99 × 33, as `ssh -t` would run it. */
export async function overSsh(
  { sshPort: port }: Platform,
  privateKey: string,
  command: string,
  talk: (stream: ssh2.ClientChannel, seen: () => string) => Promise<void>,
): Promise<{ code: number; text: string }> {
  const client = new ssh2.Client();
  client.connect({ host: "127.0.0.1", port, username: "teal", privateKey });
  await once(client, "ready");
  const pty = { cols: 99, rows: 33, term: "xterm" };
  const stream = await new Promise<ssh2.ClientChannel>((done, fail) => {
    client.exec(command, { pty }, (error, channel) => (error ? fail(error) : done(channel)));
  });
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = once(stream, "exit");
  await talk(stream, () => text);
  const [code] = (await ended) as [number];
  client.end();
  return { code, text };
}
