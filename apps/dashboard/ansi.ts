import { html, type Html } from "./html.ts";

/** Colours that are on. */
interface Style {
  ink: string;
  ground: string;
  bold: boolean;
  faint: boolean;
  italic: boolean;
  underline: boolean;
}

const PLAIN: Style = {
  ...{ ink: "", ground: "", bold: false, faint: false, italic: false, underline: false },
};

/** A log line as markup: its terminal colours are classes, all else of it is text. */
export function ansi(text: string): Html {
  const pieces = text.split(/\u001B\[([\d;]*)m/);
  if (pieces.length === 1) return html`${text}`;
  let style = PLAIN;
  const shown: Html[] = [];
  pieces.forEach((piece, i) => {
    if (i % 2 === 1) style = applied(style, piece);
    else if (piece) shown.push(styled(piece, style));
  });
  return html`${shown}`;
}

function styled(text: string, style: Style): Html {
  const { ink, ground, bold, faint, italic, underline } = style;
  const classes = [ink, ground, bold && "b", faint && "f", italic && "i", underline && "u"];
  const names = classes.filter(Boolean).join(" ");
  return names ? html`<span class="${names}">${text}</span>` : html`${text}`;
}

function applied(before: Style, codes: string): Style {
  const style = { ...before };
  const numbers = codes.split(";").map(Number);
  for (let i = 0; i < numbers.length; i++) {
    const code = numbers[i] ?? 0;
    if (code === 0) Object.assign(style, PLAIN);
    else if (code === 1) style.bold = true;
    else if (code === 2) style.faint = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.faint = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code === 38 || code === 48) i += extended(style, numbers, i);
    else if (code >= 30 && code <= 39) style.ink = code === 39 ? "" : `c${code - 30}`;
    else if (code >= 40 && code <= 49) style.ground = code === 49 ? "" : `g${code - 40}`;
    else if (code >= 90 && code <= 97) style.ink = `c${code - 82}`;
    else if (code >= 100 && code <= 107) style.ground = `g${code - 92}`;
  }
  return style;
}

/** 256 colours and true colour: the nearest of the sixteen. @returns how many numbers it took */
function extended(style: Style, numbers: number[], at: number): number {
  const set = (index: number) => {
    if (numbers[at] === 38) style.ink = `c${index}`;
    else style.ground = `g${index}`;
  };
  if (numbers[at + 1] === 5) {
    const n = numbers[at + 2] ?? 0;
    if (n < 16) set(n);
    else if (n < 232) {
      const level = (step: number) => Math.floor((n - 16) / step) % 6 > 2;
      set(nearest(level(36), level(6), level(1)));
    } else set(n < 244 ? 8 : 15);
    return 2;
  }
  const [red = 0, green = 0, blue = 0] = numbers.slice(at + 2, at + 5);
  set(nearest(red > 127, green > 127, blue > 127));
  return 4;
}

function nearest(red: boolean, green: boolean, blue: boolean): number {
  return (red ? 1 : 0) + (green ? 2 : 0) + (blue ? 4 : 0);
}
