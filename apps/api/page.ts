/**
 * A page of a list, and the name of its last item when there are more; else null. An item is
 * looked for by order and not by name, since it may be gone by the next page.
 */
export function pageOf<T>(
  rest: T[],
  limit: number,
  nameOf: (item: T) => string | number,
): { items: T[]; next: string | null } {
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last !== undefined ? String(nameOf(last)) : null };
}

/** The `Link` header of an answer that has a next page (RFC 8288). */
export function nextLink(path: string, query: string, by: string, next: string): string {
  const params = new URLSearchParams(query);
  params.set(by, next);
  return `<${path}?${params.toString()}>; rel="next"`;
}
