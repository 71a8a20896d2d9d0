/** More output than this is of use to nobody, and would fill the store. */
const MAX_LINES = 20_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Passes lines on until there are too many; says once that the rest is left out. */
export function createOutput(
  emit: (line: string) => void,
  limits = { lines: MAX_LINES, characters: MAX_CHARACTERS },
): { line(text: string): void } {
  let lines = 0;
  let characters = 0;
  let full = false;
  return {
    line: (text) => {
      if (full) return;
      lines += 1;
      characters += text.length;
      full = lines > limits.lines || characters > limits.characters;
      emit(
        full
          ? `[The build printed more than ${limits.lines} lines or ${limits.characters} characters; the rest is left out]`
          : text,
      );
    },
  };
}
