/** A bucket of bytes that fills with time: what is written in moderation always fits. */
export interface Bucket {
  /** @param at ms: the time of the output, so that reading late leaves nothing out */
  take(bytes: number, at: number): boolean;
}

/** Bytes: as many at once as `burst`, and `perSecond` from then on. */
export function createBucket({ perSecond, burst }: { perSecond: number; burst: number }): Bucket {
  let room = burst;
  let last = 0;
  return {
    take(bytes, at) {
      room = Math.min(burst, room + (Math.max(0, at - last) / 1000) * perSecond);
      last = Math.max(last, at);
      if (room < bytes) return false;
      room -= bytes;
      return true;
    },
  };
}
