import { TealError } from "../errors.ts";

/** A field of a form as a whole number from 1; undefined when the form has none. @throws bad-request */
export function readNumber(form: URLSearchParams, name: string): number | undefined {
  const given = form.get(name);
  if (given === null) return undefined;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw badForm(`a number was expected in ${name}`);
}

/** A field that must not be empty. @throws bad-request */
export function readText(form: URLSearchParams, name: string): string {
  const given = form.get(name)?.trim() ?? "";
  if (given === "") throw badForm(`the form's ${name} is empty`);
  return given;
}

/** One of the words that a choice has. @throws bad-request */
export function readChoice<T extends string>(
  form: URLSearchParams,
  name: string,
  choices: readonly T[],
): T {
  const given = form.get(name) ?? "";
  const found = choices.find((one) => one === given);
  if (found === undefined) throw badForm(`one of ${choices.join(", ")} was expected in ${name}`);
  return found;
}

/** Words of a field, however they are set apart. */
export function readWords(form: URLSearchParams, name: string): string[] {
  return (form.get(name) ?? "").split(/[\s,]+/).filter(Boolean);
}

function badForm(detail: string): TealError {
  return new TealError("bad-request", { detail: detail.slice(0, 300) });
}
