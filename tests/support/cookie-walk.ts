/** A browser as far as cookies and redirects go: cookies are kept by origin and sent whatever their SameSite. */
export function createWalker() {
  const jar = new Map<string, Map<string, string>>();

  async function ask(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const own = jar.get(origin) ?? new Map<string, string>();
    jar.set(origin, own);
    const Cookie = [...own].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url, {
      ...init,
      redirect: "manual",
      headers: { ...(init.headers as Record<string, string>), Cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      const [name = "", ...value] = pair.split("=");
      const gone = /expires=Thu, 01 Jan 1970/i.test(line) || value.join("=") === "";
      if (gone) own.delete(name);
      else own.set(name, value.join("="));
    }
    return response;
  }

  return {
    ask,
    /** Follows redirects from `url` until `stop` says so or there is no other. Every address on the way is in `seen`. */
    async follow(url: string, stop: (next: string) => boolean = () => false) {
      const seen: string[] = [];
      for (let next = url; seen.length < 20;) {
        seen.push(next);
        const response = await ask(next);
        const location = response.headers.get("Location");
        if (location === null) return { seen, response };
        next = new URL(location, next).href;
        if (stop(next)) return { seen: [...seen, next], response };
      }
      throw new Error(`too many redirects: ${seen.join(" ")}`);
    },
    cookie: (origin: string, name: string) => jar.get(origin)?.get(name),
  };
}
