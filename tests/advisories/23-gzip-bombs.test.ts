import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import test from "ava";
import { openGit, tarOf } from "../support/archives.ts";

const plain = { strip: "no" } as const;

test("10 GB from 10 MB are refused, long before they are unpacked, and take no memory", async (t) => {
  const { git } = await openGit(t);
  const size = 10 * 1024 ** 3;
  const header = (await tarOf([{ name: "zeros", text: "x" }])).subarray(0, 512);
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.write(checksum(header), 148);
  const zeros = Buffer.alloc(1024 ** 2);
  let sent = 0;
  async function* bytes(): AsyncGenerator<Buffer> {
    yield header;
    for (; sent < size; sent += zeros.length) yield zeros;
  }
  const gzip = createGzip();
  Readable.from(bytes()).pipe(gzip);
  const before = process.memoryUsage().rss;
  const error = await t.throwsAsync(git.importArchive("shop", gzip, plain), {
    code: "bad-archive",
  });
  t.regex(error.message, /100 times as large/);
  t.true(sent < 2 * 1024 ** 3, `${sent} bytes were unpacked`);
  t.true(process.memoryUsage().rss - before < 200e6);
});

/** Of a tar header: the sum of its bytes, with the checksum's own as spaces. */
function checksum(header: Buffer): string {
  const plainly = Buffer.from(header).fill(" ", 148, 156);
  return `${plainly
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, "0")}\0 `;
}
