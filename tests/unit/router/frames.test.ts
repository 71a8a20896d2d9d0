import test from "ava";
import fc from "fast-check";
import { createFrameTracker } from "../../../router/frames.ts";

function frame(size: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const header =
    size < 126
      ? Buffer.of(0x82, mask | size)
      : size < 65_536
        ? Buffer.of(0x82, mask | 126, size >> 8, size & 0xff)
        : Buffer.of(0x82, mask | 127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 0xff, size & 0xff);
  return Buffer.concat([header, Buffer.alloc(masked ? 4 : 0, 0xff), Buffer.alloc(size, 0x88)]);
}

test("The end of a frame is known however the bytes are cut", (t) => {
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(125, 126, 65_535, 65_536, 70_000),
  );
  const frames = fc.array(fc.record({ size: sizes, masked: fc.boolean() }), {
    minLength: 1,
    maxLength: 5,
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(frames, cuts, (made, steps) => {
      const tracker = createFrameTracker();
      const ends = new Set<number>([0]);
      let total = 0;
      const bytes = Buffer.concat(made.map(({ size, masked }) => frame(size, masked)));
      for (const { size, masked } of made) ends.add((total += frame(size, masked).length));
      let at = 0;
      for (let i = 0; at < bytes.length; i++) {
        const next = Math.min(at + (steps[i % steps.length] as number), bytes.length);
        tracker.push(bytes.subarray(at, next));
        at = next;
        if (tracker.atBoundary() !== ends.has(at)) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
  t.pass();
});
