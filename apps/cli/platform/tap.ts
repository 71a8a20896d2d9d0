/** What a TAP stream said. */
export interface TapSummary {
  passed: number;
  skipped: number;
  /** Title and diagnostics of each failed test. */
  failures: { title: string; lines: string[] }[];
  /** Number of tests that the plan named, or null when the stream ended without one. */
  planned: number | null;
}

export interface TapReader {
  line(text: string): void;
  summary(): TapSummary;
}

/** Reads TAP line by line, as ava writes it. @param onTest told of each finished test */
export function createTapReader(onTest: (title: string, ok: boolean) => void): TapReader {
  const found: TapSummary = { passed: 0, skipped: 0, failures: [], planned: null };
  let diagnostics: string[] | null = null;

  function test(ok: boolean, title: string): void {
    diagnostics = null;
    if (/# (SKIP|TODO)\b/i.test(title)) {
      found.skipped += 1;
      return;
    }
    if (ok) found.passed += 1;
    else {
      diagnostics = [];
      found.failures.push({ title, lines: diagnostics });
    }
    onTest(title, ok);
  }

  return {
    line(text) {
      const result = /^(not )?ok\b\s*\d*\s*-?\s*(.*)$/.exec(text);
      if (result) return test(result[1] === undefined, result[2] ?? "");
      const plan = /^1\.\.(\d+)/.exec(text);
      if (plan) found.planned = Number(plan[1]);
      else if (diagnostics && /^\s/.test(text)) diagnostics.push(text);
      return undefined;
    },
    summary: () => found,
  };
}
