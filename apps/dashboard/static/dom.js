/**
 * The first element that the selector finds, when it is of the type.
 * @template {Element} T
 * @param {string} selector
 * @param {{ new (): T }} type
 * @param {ParentNode} [within]
 * @returns {T | null}
 */
export function element(selector, type, within = document) {
  const found = within.querySelector(selector);
  return found instanceof type ? found : null;
}
