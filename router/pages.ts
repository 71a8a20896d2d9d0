/** A page's bytes, one character each: what is written to sockets as latin1. */
export function pageBytes(html: string): string {
  return Buffer.from(html, "utf8").toString("latin1");
}

/** For people who have to wait. It needs nothing from anywhere else. */
export function waitingPage(title: string, says: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; --ink: #16302e; --dim: #5a716f; --paper: #f4f8f7; --teal: #0d9488 }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e3efed; --dim: #93aba8; --paper: #0e1b1a; --teal: #2dd4bf }
  }
  body {
    margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
    color: var(--ink); font: 1.125rem/1.6 system-ui, sans-serif;
  }
  main { padding: 2rem; max-width: 32rem; text-align: center }
  main::before {
    content: ""; display: block; width: 3rem; height: .375rem; margin: 0 auto 1.5rem;
    border-radius: 1rem; background: var(--teal);
  }
  h1 { margin: 0 0 .5rem; font-size: 2rem; line-height: 1.2 }
  p { margin: 0; color: var(--dim) }
</style>
<main>
  <h1>${title}</h1>
  <p>${says}</p>
</main>
</html>
`;
}
