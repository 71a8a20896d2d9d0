const HEAD = 8;

/**
 * Takes Docker's frames out of a stream without a terminal: 1 byte that says which output, 3 bytes
 * zero, 4 bytes length, then as much. Called with each chunk in turn.
 */
export function createFrames(
  take: (output: number, payload: Buffer) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (at + HEAD <= bytes.length) {
      const end = at + HEAD + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      take(bytes[at] ?? 0, bytes.subarray(at + HEAD, end));
      at = end;
    }
    rest = bytes.subarray(at);
  };
}
