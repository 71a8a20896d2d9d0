/**
 * Splits a command as a person writes it: words, with '…', "…" and \ as a shell has them, and none
 * of a shell's other powers. Null when a quote is left open.
 */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\" && quote !== "'" && i + 1 < text.length) word = (word ?? "") + text[++i];
    else if (char === quote) quote = "";
    else if (quote) word = (word ?? "") + char;
    else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (!/\s/.test(char)) word = (word ?? "") + char;
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (quote) return null;
  return word === null ? words : [...words, word];
}
