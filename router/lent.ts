const LARGE = 16_384;
/** An app that is slower than its client leaves the rest to the collector. */
const MOST = 8;

/**
 * Large pieces that were read from a client and are not out of the process yet. Their memory is given
 * back by hand: the collector would, too, but counts it until then, and collects everything whenever
 * some 64 MB of it have come together. See docs/decisions/068.
 */
export class Lent {
  private readonly pieces: Buffer[] = [];

  add(piece: Buffer): void {
    // One that shares its memory, as with Node's own pool, is not ours to give back.
    if (piece.length < LARGE || piece.length !== piece.buffer.byteLength) return;
    if (this.pieces.push(piece) > MOST) this.pieces.shift();
  }

  any(): boolean {
    return this.pieces.length > 0;
  }

  /** All of them are sent, and nobody reads them any more. */
  giveBack(): void {
    for (const piece of this.pieces.splice(0)) (piece.buffer as ArrayBuffer).transfer(0);
  }

  /** It is not known whether they are sent: they are left to the collector. */
  forget(): void {
    this.pieces.length = 0;
  }
}
