/** Rejects with the signal's reason once it aborts, for a race with what knows of no signal. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) return fail();
    signal.addEventListener("abort", fail, { once: true });
  });
}
