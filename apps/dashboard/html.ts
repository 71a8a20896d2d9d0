/** Markup that is safe to send: made only by `html`, which escapes all that is put into it. */
export interface Html {
  readonly markup: string;
  /** The parts within, which an open page is kept current by. */
  readonly parts?: readonly Part[];
}

/** A piece of a page that is sent again, alone, when it has changed. */
export interface Part {
  id: string;
  markup: string;
}

export type Value = Html | string | number | null | undefined | boolean | readonly Value[];

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template whose values are escaped, for text and for attributes in quotes. Arrays are joined; null, true and false are nothing. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  const parts: Part[] = [];
  const rest = values.map((value, i) => render(value, parts) + (strings[i + 1] ?? ""));
  const markup = (strings[0] ?? "") + rest.join("");
  return parts.length > 0 ? { markup, parts } : { markup };
}

function render(value: Value, parts: Part[]): string {
  if (value === null || value === undefined || typeof value === "boolean") return "";
  if (typeof value === "object" && "markup" in value) {
    if (value.parts) parts.push(...value.parts);
    return value.markup;
  }
  if (typeof value === "object") return value.map((one) => render(one, parts)).join("");
  return String(value).replaceAll(/[&<>"']/g, (c) => ESCAPES[c] ?? c);
}

/**
 * An element that is a part of its page. Parts do not nest.
 * @param id letters, digits and dashes, unique in the page
 * @param element is given the attributes that its outermost tag must carry
 */
export function part(id: string, element: (attributes: Html) => Html): Html {
  const { markup } = element({ markup: `data-part="${id}"` });
  return { markup, parts: [{ id, markup }] };
}
