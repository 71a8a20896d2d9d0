import type Docker from "dockerode";

/** Lines of both outputs of a stream of the engine, until it ends. */
export async function readLines(
  docker: Docker,
  stream: NodeJS.ReadWriteStream,
  onLine: (line: string) => unknown,
): Promise<void> {
  let rest = "";
  const sink = {
    write(chunk: Buffer) {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = (lines.pop() ?? "").slice(-4000);
      for (const line of lines) onLine(line);
      return true;
    },
  } as unknown as NodeJS.WritableStream;
  docker.modem.demuxStream(stream, sink, sink);
  await new Promise<void>((resolve) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
    stream.once("error", () => resolve());
  });
  if (rest) onLine(rest);
}
