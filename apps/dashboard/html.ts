/** Markup that is safe to send: made only by `html`, which escapes all that is put into it. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | null | undefined | false | readonly Value[];

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template whose values are escaped, for text and for attributes in quotes. Arrays are joined; null and false are nothing. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  const rest = values.map((value, i) => render(value) + (strings[i + 1] ?? ""));
  return { markup: (strings[0] ?? "") + rest.join("") };
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "object" && "markup" in value) return value.markup;
  if (typeof value === "object") return value.map(render).join("");
  return String(value).replaceAll(/[&<>"']/g, (c) => ESCAPES[c] ?? c);
}
