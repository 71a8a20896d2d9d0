import { html, type Html, type Value } from "./html.ts";

interface NumberField {
  name: string;
  label: Value;
  /** Behind the number. */
  unit?: string;
  value: number | undefined;
  /** What holds when nothing is set. */
  fallback: string | number;
  range: readonly [least: number, most: number];
  step?: number | "any";
}

/** A number that may be left empty: then the default holds. */
export function numberField(one: NumberField): Html {
  const { name, label, unit, value, fallback, range, step = 1 } = one;
  return html`<label class="field">
    <span>${label}</span>
    <span class="with-unit">
      <input
        type="number"
        name="${name}"
        value="${value}"
        min="${range[0]}"
        max="${range[1]}"
        step="${step}"
        placeholder="${fallback}"
      />
      ${unit !== undefined && html`<small>${unit}</small>`}
    </span>
  </label>`;
}

export function checkField(name: string, label: Value, checked: boolean): Html {
  return html`<label class="check">
    <input type="checkbox" name="${name}" ${checked && html`checked`} /> ${label}
  </label>`;
}

/** A field's number; null when it is empty. What is no number goes on as it is: the API says so. */
export function readAmount(form: URLSearchParams, name: string): number | string | null {
  const given = form.get(name)?.trim() ?? "";
  if (given === "") return null;
  return Number.isFinite(Number(given)) ? Number(given) : given;
}

/** Fields by name, each as `readAmount` has it. */
export function readAmounts(form: URLSearchParams, names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, readAmount(form, name)]));
}
