/** Follows a WebSocket byte stream (RFC 6455, section 5.2) to know where frames end. */
export interface FrameTracker {
  push(chunk: Uint8Array): void;
  /** True when the next byte would begin a frame. */
  atBoundary(): boolean;
}

/** An unmasked close frame, status 1001 "going away". */
export const GOING_AWAY = Uint8Array.of(0x88, 0x02, 0x03, 0xe9);

const MAX_HEADER = 14;

export function createFrameTracker(): FrameTracker {
  const header = new Uint8Array(MAX_HEADER);
  let have = 0;
  let need = 2;
  /** Payload bytes still to come. */
  let left = 0;

  function headerEnd(): void {
    const masked = ((header[1] as number) & 0x80) === 0 ? 0 : 4;
    const short = (header[1] as number) & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (have < 2 + extra + masked) {
      need = 2 + extra + masked;
      return;
    }
    left = short;
    if (extra > 0) {
      left = 0;
      for (let i = 2; i < 2 + extra; i++) left = left * 256 + (header[i] as number);
    }
    have = 0;
    need = 2;
  }

  function push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const skip = Math.min(left, chunk.length - at);
        left -= skip;
        at += skip;
      } else {
        header[have++] = chunk[at++] as number;
        if (have === need) headerEnd();
      }
    }
  }

  return { push, atBoundary: () => left === 0 && have === 0 };
}
