/** The answer of an address, with its head, and where its links lead to on the same server. */
interface Page {
  path: string;
  status: number;
  text: string;
}

interface Crawled {
  /** `http://127.0.0.1:8000` */
  at: string;
  headers: Record<string, string>;
  /** Addresses that are not followed. */
  leave: RegExp;
  most: number;
}

const AT_ONCE = 6;

/** Reads a site as somebody who follows every link. */
export async function crawl(
  from: string[],
  { at, headers, leave, most }: Crawled,
): Promise<Page[]> {
  const pages: Page[] = [];
  const todo = [...from];
  const known = new Set(todo);
  async function read(path: string): Promise<void> {
    const signal = AbortSignal.timeout(30_000);
    const response = await fetch(at + path, { headers, redirect: "manual", signal });
    const body = await response.text();
    const head = JSON.stringify([...response.headers]);
    pages.push({ path, status: response.status, text: `${head}\n${body}` });
    for (const [, link = ""] of body.matchAll(/(?:href|src)="(\/[^"#]*)/g)) {
      const next = link.replaceAll("&amp;", "&");
      if (known.has(next) || leave.test(next)) continue;
      known.add(next);
      todo.push(next);
    }
  }

  while (todo.length > 0 && pages.length < most)
    await Promise.all(todo.splice(0, Math.min(AT_ONCE, most - pages.length)).map(read));
  return pages;
}
