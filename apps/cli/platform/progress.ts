export interface Progress {
  /** Runs one step under `title`; `note` shows what it is at. Passes the step's error on. */
  step<T>(title: string, body: (note: (text: string) => void) => Promise<T>): Promise<T>;
  /** A finished line. */
  line(text: string): void;
}

interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** Without a terminal, a step that lasts says so after this time and then every 10 s. */
const FIRST_WORD_MS = 2000;
const NEXT_WORD_MS = 10_000;
const REDRAW_MS = 200;

/** Shows steps on a terminal as one line that is redrawn, elsewhere as plain lines. */
export function createProgress(output: Output): Progress {
  const tty = output.isTTY === true;
  const clear = tty ? "\r\u001B[K" : "";
  const line = (text: string): void => void output.write(`${clear}${text}\n`);

  async function step<T>(
    title: string,
    body: (note: (text: string) => void) => Promise<T>,
  ): Promise<T> {
    const began = performance.now();
    let note = "";
    const seconds = (): number => (performance.now() - began) / 1000;
    const show = (): void => {
      const text = `  ${title} … ${Math.floor(seconds())} s${note ? `  ${note}` : ""}`;
      if (tty) output.write(`${clear}${text.slice(0, (output.columns ?? 80) - 1)}`);
      else line(text.slice(0, 160));
    };
    const timer = tty ? setInterval(show, REDRAW_MS) : plainTimer(show);
    try {
      const result = await body((text) => {
        // Output of other programs must not move the cursor.
        note = text.replaceAll(/[^\u0020-\u007E\u00A0-\uFFFF]/g, " ").trim();
      });
      line(`✓ ${title} (${duration(seconds())})`);
      return result;
    } catch (error) {
      line(`✗ ${title} (${duration(seconds())})`);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  return { step, line };
}

function plainTimer(show: () => void): NodeJS.Timeout {
  let waited = 0;
  return setInterval(() => {
    waited += FIRST_WORD_MS;
    if (waited === FIRST_WORD_MS || waited % NEXT_WORD_MS === 0) show();
  }, FIRST_WORD_MS);
}

/** Seconds as people write them: `0.3 s`, `12 s`, `2 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
